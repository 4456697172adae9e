"""Whatever Kafka refuses and loses, and whenever the writer is killed: every record is in one place, once."""

import asyncio

from aiokafka.errors import InvalidTimestampError, MessageSizeTooLargeError
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from bridge.model import Record
from tests.running import run
from tests.scripted_kafka import ScriptedKafka
from tests.unit.sinks.kafka.test_transactions import RECORD_BYTES, TOPICS, Writing, stored, writing

KINDS = {"good": None, "time": InvalidTimestampError, "large": MessageSizeTooLargeError}

Sent = list[list[tuple[bytes | None, str]]]


# Not shrunk: an example waits for the pace of transactions, and thousands of them would take minutes.
@settings(max_examples=60, deadline=None, phases=[Phase.generate])
@given(
    sends=st.lists(
        st.lists(
            st.tuples(
                st.sampled_from([b"a", b"b", b"c", b"d", None]),
                st.sampled_from(["good"] * 12 + ["time", "large", "huge"]),
            ),
            max_size=30,
        ),
        max_size=10,
    ),
    faults=st.lists(st.sampled_from(["", "", "", "lost", "failed"]), max_size=40),
    kills=st.lists(st.integers(0, 12), max_size=3),
)
def test_every_record_is_in_one_place_once_and_keys_stay_in_order(
    sends: Sent, faults: list[str], kills: list[int]
) -> None:
    """Good ones in the topic, bad ones in the dead letters, and never more of them than the stored position covers."""

    async def check() -> None:
        kafka = ScriptedKafka(TOPICS, _refuse, faults)
        everything = _records(sends)
        for batches_before_the_kill in [*kills, None]:
            async with writing(kafka) as one:
                position = int(one.transactions.position or 0)
                assert _numbers(kafka) == _expected(everything[:position])
                if await _write(one, kafka, everything, position, batches_before_the_kill):
                    break
        found = stored(kafka)

        assert found is not None
        assert int(found.position or 0) == len(everything)
        assert _numbers(kafka) == _expected(everything)
        for key in (b"a", b"b", b"c", b"d"):
            written = [
                one.value for place, log in kafka.logs.items() if place[0] == "t" for one in log if one.key == key
            ]
            good = [record for send in everything for record in send if record.key == key and _good(record.value)]
            assert written == [record.value for record in good]

    run(check(), seconds=30)


async def _write(
    one: Writing, kafka: ScriptedKafka, everything: list[list[Record]], position: int, batches: int | None
) -> bool:
    """Send what comes after `position`; whether all of it was confirmed before so many more batches were tried."""
    sending = asyncio.ensure_future(_send(one, everything, position))
    limit = None if batches is None else len(kafka.batches) + batches
    while not sending.done() and (limit is None or len(kafka.batches) < limit):  # noqa: ASYNC110
        await asyncio.sleep(0)
    if sending.done():
        await sending
        return True
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
    return False


async def _send(one: Writing, everything: list[list[Record]], position: int) -> None:
    waiting = [await one.send(send, b"%d" % number) for number, send in enumerate(everything[position:], position + 1)]
    await asyncio.gather(*waiting)


def _records(sends: Sent) -> list[list[Record]]:
    numbers = iter(range(10_000))
    return [[_record(next(numbers), key, kind) for key, kind in send] for send in sends]


def _record(number: int, key: bytes | None, kind: str) -> Record:
    padding = b"x" * RECORD_BYTES if kind == "huge" else b"x" * 50
    return Record(b"%d %s %s" % (number, kind.encode(), padding), key=key, timestamp_ms=1000)


def _refuse(topic: str, value: bytes) -> type[Exception] | None:
    return KINDS.get(value.split(b" ")[1].decode()) if topic == "t" else None


def _good(value: bytes) -> bool:
    return b" good " in value[:20]


def _numbers(kafka: ScriptedKafka) -> tuple[list[int], list[int]]:
    """Those in the topic, and those in the dead letters, in order."""
    topic, letters = ([int(value.split(b" ")[0]) for value in kafka.values(name)] for name in ("t", "t.dlq"))
    return sorted(topic), sorted(letters)


def _expected(sends: list[list[Record]]) -> tuple[list[int], list[int]]:
    values = [record.value for send in sends for record in send]
    good, bad = ([int(v.split(b" ")[0]) for v in values if _good(v) is good] for good in (True, False))
    return good, bad
