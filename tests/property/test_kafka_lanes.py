"""Whatever Kafka refuses and loses: every record is written or dead-lettered, and keys stay in order."""

import asyncio

from aiokafka.errors import InvalidTimestampError, MessageSizeTooLargeError, UnknownError
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.errors import BlockedError
from bridge.model import Record
from tests.running import run
from tests.scripted_kafka import ScriptedKafka, Written
from tests.unit.sinks.kafka.test_lanes import RECORD_BYTES, TOPICS, sending

KINDS = {"good": None, "time": InvalidTimestampError, "large": MessageSizeTooLargeError, "odd": UnknownError}


@settings(max_examples=150, deadline=None)
@given(
    sends=st.lists(
        st.lists(
            st.tuples(
                st.sampled_from([b"a", b"b", b"c", b"d", None]),
                st.sampled_from(["good"] * 12 + ["time", "large", "odd", "huge"]),
            ),
            max_size=30,
        ),
        max_size=12,
    ),
    faults=st.lists(st.sampled_from(["", "", "", "lost", "failed"]), max_size=40),
)
def test_every_record_ends_somewhere_and_keys_stay_in_order(
    sends: list[list[tuple[bytes | None, str]]], faults: list[str]
) -> None:
    """Good ones in the topic, bad ones in the dead letters, repeats only after a lost confirmation, order per key."""

    async def check() -> None:
        kafka = ScriptedKafka(TOPICS, faults=faults)
        everything: list[Record] = []
        async with sending(kafka) as one:

            def refuse(topic: str, value: bytes) -> type[Exception] | None:
                blocked = any(isinstance(error, BlockedError) for error in one.errors)
                # Three in a row: somebody changes the topic's settings.
                return None if blocked and b" odd " in value else _refuse(topic, value)

            kafka.refuse = refuse
            waiting = []
            for send in sends:
                batch = [_record(len(everything) + at, key, kind) for at, (key, kind) in enumerate(send)]
                everything += batch
                waiting.append(await one.send(batch))
            await asyncio.gather(*waiting)

        accepted_late = {value for value in kafka.values("t") if b" odd " in value}
        assert not accepted_late or any(isinstance(error, BlockedError) for error in one.errors)
        everything = [record for record in everything if record.value not in accepted_late]
        good = [record for record in everything if b" good " in record.value]
        bad = [record for record in everything if b" good " not in record.value]
        assert set(kafka.values("t")) - accepted_late == {record.value for record in good}
        assert {_name(value) for value in kafka.values("t.dlq")} == {_name(record.value) for record in bad}
        assert len(one.causes) == len(bad)
        if "lost" not in faults:
            assert len(kafka.values("t")) == len(good) + len(accepted_late)
            assert len(kafka.values("t.dlq")) == len(bad)
        for key in (b"a", b"b", b"c", b"d"):
            written = [one.value for log in _logs(kafka, "t") for one in log if one.key == key]
            expected = [record.value for record in good if record.key == key]
            assert [value for value in dict.fromkeys(written) if value not in accepted_late] == expected

    run(check())


def _record(number: int, key: bytes | None, kind: str) -> Record:
    padding = b"x" * RECORD_BYTES if kind == "huge" else b"x" * 50
    return Record(b"%d %s %s" % (number, kind.encode(), padding), key=key, timestamp_ms=1000)


def _refuse(topic: str, value: bytes) -> type[Exception] | None:
    return KINDS.get(value.split(b" ")[1].decode()) if topic == "t" else None


def _name(value: bytes) -> bytes:
    return value[:20]


def _logs(kafka: ScriptedKafka, topic: str) -> list[list[Written]]:
    return [log for place, log in kafka.logs.items() if place[0] == topic]
