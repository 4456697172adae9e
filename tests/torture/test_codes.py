"""The short form of all error codes: one of each kind, the same code and account."""

import pytest

from tests.running import run
from tests.servers.kafka import KafkaServer
from tests.torture.codes import CUT, answer

KINDS = {False: (6, 10, CUT), True: (32, 45)}
"""Of each kind one: tried again by aiokafka, the record's fault, the producer's end, and no answer at all. What may be
a record's fault, and a producer that nobody fenced, are in tests/integration/test_kafka_codes.py."""


@pytest.mark.servers("kafka")
@pytest.mark.parametrize("exactly_once", [False, True])
def test_whatever_a_broker_answers_only_the_culprit_is_condemned(kafka: KafkaServer, exactly_once: bool) -> None:
    """Nothing is lost, the order is kept, and it goes on."""
    report = run(answer(kafka, KINDS[exactly_once], exactly_once=exactly_once, stuck_seconds=30), seconds=120)
    assert report.faults == []
