"""
Every error code that a broker may answer a batch with: once, three times in a row, for one record, and after all.

The sinks are the bridge's own, in this process, and the Kafka is real: only the answers are made up, on the way.
"""

import argparse
import asyncio
import math
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from uuid import uuid4

from aiokafka.errors import kafka_errors

from bridge.errors import RecordError
from bridge.model import Record
from bridge.sinks.kafka import KafkaSink
from tests.servers.kafka import KafkaServer
from tests.servers.produce_faults import Fault, ProduceFaults
from tests.topics import DEAD_LETTERS, account, make_topics, new_topic_name, read_topic
from tests.torture.report import Report

NAME = "codes"
EVENTS, TIMES, RATE = 0, 0, 0

_UNKNOWN = frozenset({74, 75, 76, 87, 89, 90, 120})
"""Of the codes that aiokafka 0.14 does not know, and takes for -1, those that an answer to a batch may have: fenced and
unknown leader epoch, unsupported compression, invalid record (a compacted topic and no key), quota exceeded, producer
fenced, transaction abortable (org.apache.kafka.common.protocol.Errors, of Kafka 4.1)."""

CODES = tuple(sorted({*kafka_errors, *_UNKNOWN} - {0}))
"""All that aiokafka knows, -1 to 72 and 79, whether a broker ever answers a batch so or not, and those."""

CUT = 1000
"""No code: the connection is cut instead."""

STUCK_SECONDS = 5.0

_CONDEMNING = frozenset({10, 18, 32, 43, 44})
"""The record's own fault, for certain: too large, too large a list, its time, its format, a policy."""

_UNCERTAIN = _UNKNOWN | {-1, 2}
"""Perhaps the record's fault: the broker's trouble, bits that flipped, and what aiokafka does not know."""

_ONLY_WRITTEN = frozenset({46})
"""That this batch is there already: aiokafka takes it for an answer to be glad of, and so does Java's client."""

_TOGETHER = 120
"""Records of a send: some 60 in each partition, so three refusals in a row do not single one of them out."""

_DEADLINE_SECONDS = 100.0
"""For all steps of one code, on a machine that does much else."""


@dataclass
class Step:
    """One send, and what happens to it on the way."""

    name: str
    fault: Fault | None
    records: Sequence[Record]
    condemned: bool = False
    """Whether the record that the fault is for, or the only one, is to be a dead letter."""


@dataclass
class Found:
    """What one sink did with all codes."""

    sent: list[Record] = field(default_factory=list)
    condemned: set[int] = field(default_factory=set)
    when: dict[int, str] = field(default_factory=dict)
    """Record -> code and step."""
    slowest: tuple[float, str] = (0.0, "")
    steps: int = 0
    met: int = 0
    repeated: int = 0
    faults: list[str] = field(default_factory=list)


class Codes:
    """
    Writes to one topic through a network that answers with codes.

    Args:
        ports: see `ProduceFaults`.
        exactly_once: with a transactional id, or without.
        stuck_seconds: from a send to its confirmation, whatever happens on the way.
    """

    def __init__(
        self, kafka: KafkaServer, network: ProduceFaults, *, exactly_once: bool, stuck_seconds: float = STUCK_SECONDS
    ) -> None:
        self._kafka = kafka
        self._network = network
        self._exactly_once = exactly_once
        self._stuck_seconds = stuck_seconds
        self._topic = new_topic_name()
        self._numbers = 0
        self.found = Found()

    async def run(self, codes: Sequence[int]) -> Found:
        """All of them, one after the other, and the account."""
        await make_topics(self._kafka.bootstrap, self._topic, partitions=2)
        for code in codes:
            try:
                async with asyncio.timeout(_DEADLINE_SECONDS), self._sink() as sink:
                    await sink.resume()
                    for step in self._steps(code):
                        await self._take(sink, code, step)
            except Exception as error:  # noqa: BLE001 - it is what the run looks for
                self.found.faults.append(f"{code} ended with {type(error).__name__} {error}")
            finally:
                self._network.faults.clear()
        await self._account()
        return self.found

    def _sink(self) -> KafkaSink:
        return KafkaSink(
            [self._network.address],
            self._topic,
            dead_letter=_dead_letter,
            transactional_id=f"codes-{uuid4().hex[:8]}" if self._exactly_once else None,
        )

    def _steps(self, code: int) -> Iterator[Step]:
        """Over a new sink: its producer's first batch on the partition is another case than a later one."""
        answer = None if code == CUT else code
        if code not in _ONLY_WRITTEN:
            for name, times in (("first", 1), ("once", 1), ("thrice", 3)):
                yield Step(name, self._fault(answer, times), self._some())
                yield Step(f"after {name}", None, self._some())
            alone = self._some(1)
            certain = code in _CONDEMNING
            yield Step(
                "alone", self._fault(answer, 1 if certain else 3, holds=alone[0].value), alone, condemned=certain
            )
            yield Step("after alone", None, self._some())
        if code not in _CONDEMNING:
            yield Step("written", self._fault(answer, 1, written=True), self._some())
            yield Step("after written", None, self._some())
        if code in _CONDEMNING | _UNCERTAIN:
            records = self._some()
            culprit = records[_TOGETHER // 2]
            yield Step("culprit", self._fault(answer, math.inf, holds=culprit.value), [*records], condemned=True)
            yield Step("after culprit", None, self._some())

    def _fault(self, code: int | None, times: float, *, written: bool = False, holds: bytes | None = None) -> Fault:
        partition = 0 if holds is None else None
        return Fault(self._topic, code, times, written=written, holds=holds, partition=partition)

    def _some(self, count: int = _TOGETHER) -> list[Record]:
        now = int(time.time() * 1000)
        first, self._numbers = self._numbers + 1, self._numbers + count
        return [
            Record(b"%d %s" % (number, b"x" * 200), key=b"key-%d" % (number % 7), timestamp_ms=now)
            for number in range(first, first + count)
        ]

    async def _take(self, sink: KafkaSink, code: int, step: Step) -> None:
        found, where = self.found, f"{code} {step.name}"
        found.sent += step.records
        found.when |= {_number(record.value): where for record in step.records}
        if step.condemned and step.fault is not None:
            found.condemned |= {_number(record.value) for record in step.records if record.value == step.fault.holds}
        self._network.faults = [step.fault] if step.fault is not None else []
        began = time.monotonic()
        await (await sink.send(step.records, b"%d" % self._numbers))
        seconds = time.monotonic() - began
        found.steps += 1
        found.slowest = max(found.slowest, (seconds, where))
        if seconds > self._stuck_seconds:
            found.faults.append(f"{where} took {seconds:.1f} s")
        if step.fault is not None:
            found.met += step.fault.met
            if step.fault.met < (step.fault.times if math.isfinite(step.fault.times) else 1):
                found.faults.append(f"{where} was met {step.fault.met} times")

    async def _account(self) -> None:
        found = self.found
        records = await read_topic(self._kafka.bootstrap, self._topic)
        letters = Counter(
            _number(one.value) for one in await read_topic(self._kafka.bootstrap, self._topic + DEAD_LETTERS)
        )
        sent = [
            (record.key, number) for record in found.sent if (number := _number(record.value)) not in found.condemned
        ]
        ledger = account(sent, records, _number)
        wrong = {
            "lost": {number for number in ledger.lost if number not in letters},
            "unknown": ledger.unknown,
            "altered": ledger.unequal,
            "dead-lettered and innocent": letters.keys() - found.condemned,
            "condemned and not dead-lettered": found.condemned - letters.keys(),
            "repeated": ledger.repeated if self._exactly_once else (),
            "dead-lettered twice": {number for number, count in letters.items() if count > 1 and self._exactly_once},
        }
        for what, numbers in wrong.items():
            if numbers:
                places = Counter(found.when.get(number, "?") for number in numbers)  # type: ignore[call-overload]
                found.faults.append(f"{len(numbers)} {what}: {dict(places)}")
        if ledger.disordered:
            found.faults.append(f"keys out of order: {ledger.disordered}")
        found.repeated = len(ledger.repeated)


def _number(value: bytes) -> int:
    return int(value.split(b" ", 1)[0])


def _dead_letter(record: Record, cause: RecordError) -> Record:
    return replace(record, headers=[("celery.errors.message", str(cause).encode())])


async def answer(
    kafka: KafkaServer, codes: Sequence[int], *, exactly_once: bool, stuck_seconds: float = STUCK_SECONDS
) -> Report:
    """One sink after the other takes all codes from a broker with a listener PROXIED."""
    report = Report(f"codes, {'exactly' if exactly_once else 'at least'} once")
    async with ProduceFaults(kafka.through("PROXIED")) as network:
        found = await Codes(kafka, network, exactly_once=exactly_once, stuck_seconds=stuck_seconds).run(codes)
    seconds, where = found.slowest
    report.figures |= {
        "codes": len(codes),
        "sends": found.steps,
        "records": len(found.sent),
        "batches refused": found.met,
        "dead-lettered": len(found.condemned),
        "repeated": found.repeated,
        "longest": f"{seconds:.1f} s ({where})",
        "seconds": round(time.monotonic() - report.started),
    }
    report.faults += found.faults
    return report


def run(options: argparse.Namespace) -> bool:
    """Both sinks, all codes."""
    with KafkaServer(listeners={"PROXIED": "PLAINTEXT"}, proxied=["PROXIED"]) as kafka:
        shown = [asyncio.run(answer(kafka, (*CODES, CUT), exactly_once=kind)).show() for kind in (False, True)]
    return all(shown)
