"""Broken bodies and headers by the hundred thousand: nothing crashes, everything is accounted for, memory stays."""

import argparse
import base64
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import orjson

from bridge.decode import decode
from bridge.encode import LineEncoder
from bridge.filter import Filter, Patterns
from bridge.formats.capture import capture
from bridge.formats.native import Native
from bridge.formats.tagged import NativeWithTags
from bridge.letters import from_line, remainder
from bridge.model import Delivery, Record
from bridge.pipeline import Pipeline
from bridge.sources.lines.capture import delivery_of
from bridge.state import ClusterState
from bridge.validate import EVERY_TYPE, Policy, Schemas
from tests.records import assert_record
from tests.torture.mutations import broken

NAME = "fuzz"
EVENTS, TIMES, RATE = 200_000, 0, 0

GROWTH_MIB = 50
"""What resident memory may grow by, once the first tenth has filled the state and the caches."""

_AT_ONCE = 200
_MAX_TASKS = 10_000
_POLICIES = ("dead-letter", "tag", "drop")


@dataclass
class Found:
    """What a run saw."""

    deliveries: int = 0
    received: int = 0
    delivered: int = 0
    dead_lettered: int = 0
    filtered: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    growth_mib: float = 0.0
    seconds: float = 0.0


def run(options: argparse.Namespace) -> bool:
    """So many deliveries from a seed; prints what was seen, and returns whether nothing is wrong."""
    found = fuzz(options.events, options.seed)
    print(f"{found.deliveries} deliveries in {found.seconds:.0f} s")
    print(f"{found.received} events: {found.delivered} delivered, {found.dead_lettered} dead-lettered, ", end="")
    print(f"{found.filtered} dropped")
    print("dead letters: " + ", ".join(f"{reason} {count}" for reason, count in found.reasons.most_common()))
    print(f"resident memory grew by {found.growth_mib:.1f} MiB, {GROWTH_MIB} are allowed")
    for fault in found.faults[:20]:
        print(f"FAULT {fault}")
    return not found.faults and found.growth_mib <= GROWTH_MIB


def fuzz(count: int, seed: int) -> Found:
    """Put `count` broken deliveries through the stages, under each policy in turn, and check each of them."""
    found, started, stream = Found(), time.monotonic(), broken(seed)
    pipelines = [_pipeline(name) for name in _POLICIES]
    warm = 0.0
    while found.deliveries < count:
        batch = list(islice(stream, min(_AT_ONCE, count - found.deliveries)))
        policy = found.deliveries // _AT_ONCE % len(pipelines)
        _check(batch, pipelines[policy], drops=_POLICIES[policy] == "drop", found=found)
        found.deliveries += len(batch)
        memory = _resident_mib()
        if found.deliveries <= count / 10 or not warm:
            warm = memory
        found.growth_mib = max(found.growth_mib, memory - warm)
    found.seconds = time.monotonic() - started
    return found


def _pipeline(policy: str) -> Pipeline:
    schemas = Schemas.load()
    native = Native("fuzz", schemas.documented, schemas.nullable, schemas.replaced, schemas.misfits)
    apart = Native(
        "fuzz", schemas.documented, schemas.nullable, EVERY_TYPE, lambda event: schemas.misfits(event) - {"type"}
    )
    return Pipeline(
        schemas=schemas,
        state=ClusterState(max_tasks=_MAX_TASKS),
        encoder=LineEncoder(NativeWithTags(native, apart), cluster="fuzz"),
        passes=Filter(Patterns(), Patterns(), Patterns()),
        policy=Policy(policy, schemas),
    )


def _check(batch: list[Delivery], pipeline: Pipeline, *, drops: bool, found: Found) -> None:
    before = [(delivery.body, delivery.content_type, dict(delivery.headers)) for delivery in batch]
    try:
        out = pipeline.transform(batch)
    except Exception as error:  # noqa: BLE001 - that is what it looks for
        found.faults.append(f"crash: {type(error).__name__} in deliveries from {found.deliveries}")
        return
    tally = out.tally
    if tally.received != tally.delivered + tally.dead_lettered + tally.filtered or (tally.filtered and not drops):
        found.faults.append(f"the account does not close in deliveries from {found.deliveries}: {tally}")
    found.received += tally.received
    found.delivered += tally.delivered
    found.dead_lettered += tally.dead_lettered
    found.filtered += tally.filtered
    records: dict[int, list[Record]] = defaultdict(list)
    for record in out.records:
        records[id(record.origin)].append(record)
    delivered = failed = 0
    for delivery, was in zip(batch[: out.taken], before, strict=False):
        try:
            assert (delivery.body, delivery.content_type, dict(delivery.headers)) == was, "a delivery was changed"
            good, dead = _check_delivery(delivery, records[id(delivery)], found)
        except Exception as error:  # noqa: BLE001 - whatever a check says
            found.faults.append(f"{type(error).__name__}: {str(error)[:300]} of {delivery.body[:200]!r}")
            continue
        delivered += good
        failed += dead
    if not found.faults and (delivered, failed) != (tally.delivered, tally.dead_lettered):
        found.faults.append(f"{delivered} records and {failed} failures are not what {tally} says")


def _check_delivery(delivery: Delivery, records: Sequence[Record], found: Found) -> tuple[int, int]:
    """Each record keeps record.json, the dead letter has the bytes and says what failed; (delivered, failed)."""
    lines = [assert_record(record.value) for record in records]
    letters = [line for line in lines if line["type"] == "bridge-dead-letter"]
    assert len(letters) <= 1, "more than one dead letter"
    for letter in letters:
        found.reasons[letter["reason"]] += 1
        assert lines[-1] is letter, "the dead letter is not the last"
        assert base64.b64decode(letter["body_b64"]) == delivery.body, "the dead letter has other bytes"
        assert not letter["error"].startswith("internal error"), "a fault of our own"
        read = from_line(records[-1].value, "x")
        assert read is not None, "the dead letter cannot be read back"
        events, failures = decode(remainder(read))
        again = len(events) + len(failures)
        assert not read.indexes or again == len(read.indexes), "what is sent again is not what failed"
    timed = delivery.received_at is None or delivery.received_at > 0
    assert not timed or delivery_of(capture(delivery)) == _bare(delivery), "a capture is read back as another delivery"
    failed = sum(record.events for record in records if orjson.loads(record.value)["type"] == "bridge-dead-letter")
    return len(lines) - len(letters), failed


def _bare(delivery: Delivery) -> Delivery:
    """Without what belongs to its connection."""
    return Delivery(
        delivery.body, delivery.content_type, delivery.content_encoding, delivery.headers, delivery.routing_key,
        False, delivery.received_at,
    )  # fmt: skip


def _resident_mib() -> float:
    """Of this process now (VmRSS of proc(5))."""
    (line,) = [one for one in Path("/proc/self/status").read_text().splitlines() if one.startswith("VmRSS:")]
    return int(line.split()[1]) / 1024
