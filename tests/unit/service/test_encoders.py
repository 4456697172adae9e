"""Encoders over other encoders."""

import json

from bridge.encode import KafkaEncoder, LineEncoder
from bridge.errors import RecordError
from bridge.letters import Letter
from bridge.model import Context, Delivery, Failure, Gap, Record
from bridge.service.encoders import LABELS_KEPT, ByCluster, LettersApart
from tests.unit.making import decoded, native, started

ID = "01a1f8c8-da73-7ef6-ba9f-34d59022c797"
NOW = "2026-11-20T11:47:55.123Z"

FAILURE = Failure("decode", "not JSON")


def test_dead_letters_are_written_by_the_other_encoder() -> None:
    """And marked; records and gaps are written by the first."""
    kafka = KafkaEncoder(native(), cluster="c", topic="t")
    both = LettersApart(kafka, LineEncoder(native(), cluster="c"), "elsewhere")
    assert both.record(decoded(started()), Context("", {}), ID, NOW, NOW).topic == "t"
    assert both.gap(Gap("overflow", 1.0, 2.0)).topic == "t"
    for letter in (
        both.dead_letter(Delivery(b"x"), [FAILURE], 1.0),
        both.refused(Record(b"v", "t", origin=Delivery(b"x")), RecordError("too large")),
    ):
        assert letter.topic == "elsewhere"
        assert json.loads(letter.value)["type"] == "bridge-dead-letter"


def by_cluster(made: list[str]) -> ByCluster:
    """Notes for which labels it makes encoders."""

    def make(label: str) -> LineEncoder:
        made.append(label)
        return LineEncoder(native(label), cluster=label)

    return ByCluster(make)


def of(cluster: str) -> Delivery:
    """A delivery out of a letter of that cluster."""
    delivery = Delivery(b"x")
    delivery.tag = Letter("x", cluster, "", "", "", "", (), None, delivery, 1)
    return delivery


def test_each_is_written_under_its_own_label() -> None:
    """That of the letter, or the default where it has none; one encoder each."""
    made: list[str] = []
    encoder = by_cluster(made)
    for cluster, label in (("prod", "prod"), ("eu", "eu"), ("", "celery"), ("prod", "prod")):
        event = decoded(started())
        event.delivery = of(cluster)
        record = encoder.record(event, Context("", {}), ID, NOW, NOW)
        assert json.loads(record.value)["cluster"] == label
        assert json.loads(encoder.dead_letter(of(cluster), [FAILURE], 1.0).value)["cluster"] == label
        assert json.loads(encoder.refused(record, RecordError("x")).value)["cluster"] == label
    assert json.loads(encoder.gap(Gap("overflow", 1.0, 2.0)).value)["cluster"] == "celery"
    assert made == ["prod", "eu", "celery"]


def test_labels_are_bounded() -> None:
    """Anybody may write a letter."""
    made: list[str] = []
    encoder = by_cluster(made)
    for number in range(3 * LABELS_KEPT):
        encoder.dead_letter(of(f"c{number}"), [FAILURE], 1.0)
    assert len(encoder._encoders) <= LABELS_KEPT
