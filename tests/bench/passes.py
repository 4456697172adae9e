"""
The process that `tests.bench.stages` starts: passes over deliveries, stage by stage, as JSON on stdout.

    python -m tests.bench.passes captures|mix EVENTS PASSES
"""

import gc
import json
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean, median

import orjson

from bridge.clients.kafka.properties import BATCH_BYTES
from bridge.clock import iso_ms
from bridge.decode import decode, glance
from bridge.encode import Encoder, KafkaEncoder, LineEncoder
from bridge.enrich import enrich
from bridge.filter import Filter, Patterns
from bridge.formats.native import Native
from bridge.identify import event_id, identify_all
from bridge.model import Context, Delivery, Event, Record
from bridge.pipeline import Pipeline
from bridge.service.garbage import THRESHOLDS
from bridge.sinks.kafka.batch import Batch
from bridge.sinks.kafka.partition import partition
from bridge.state import ClusterState
from bridge.validate import Schemas
from tests.bench.copies import copies
from tests.bench.load import messages
from tests.bench.topic import PARTITIONS
from tests.captures import FILES

READ = 1000
COPIES = 10
"""Of the captures: so many that a cluster's first events, which find nothing prepared for their types, weigh little."""

LINES, WHOLE = "all of them, to a line, as `replay` writes it", "all of them, to a record for Kafka"

_SCHEMAS = Schemas.load()

Read = list[Delivery]


@dataclass(slots=True)
class Prepared:
    """One event and what the stages before `encode` made of it."""

    event: Event
    event_id: str
    event_time: str
    observed_time: str
    context: Context


def main(data: str, events: int, passes: int) -> None:
    """Measure and print."""
    about, count, stages = made(data, events)
    us = {name: _cost(stage, passes) / count for name, stage in stages.items()}
    json.dump({"about": about, "us": us}, sys.stdout)


def made(data: str, count: int) -> tuple[str, int, Mapping[str, Callable[[], None]]]:
    """What the data is, how many events it holds, and a pass of each stage over them."""
    clusters = [_reads(items) for items in (_captures() if data == "captures" else [_mix(count)])]
    prepared = [_prepare(reads) for reads in clusters]
    bodies = [delivery for reads in clusters for read in reads for delivery in read]
    singles = [one for cluster in prepared for one in cluster]
    events = [one.event for one in singles]
    encoder = _encoder()
    records = [_record(encoder, one) for one in singles]
    about = _about(bodies, singles, records)
    gc.collect()
    gc.freeze()  # what is only held for the measurement must not be walked through by the collector
    gc.set_threshold(*THRESHOLDS)  # as the service does
    return (
        about,
        len(singles),
        {
            "orjson.loads alone, to compare machines by": lambda: _loads(bodies),
            "decode": lambda: _decode(bodies),
            "validate": lambda: _validate(singles),
            "identify: event_id and event_time": lambda: identify_all(events),
            "enrich": lambda: _enrich(prepared),
            "encode: native value, key and headers for Kafka": lambda: _encode(singles),
            LINES: lambda: _transform(clusters, _line_encoder),
            WHOLE: lambda: _transform(clusters, _encoder),
            "beyond it, in the sink: partition, batch, zstd": lambda: _append(records),
        },
    )


def _cost(stage: Callable[[], None], passes: int) -> float:
    """Median CPU of a pass in us; one more before them warms caches up."""
    found = []
    for _ in range(passes + 1):
        gc.collect()
        began = time.process_time_ns()
        stage()
        found.append((time.process_time_ns() - began) / 1000)
    return median(found[1:])


def _captures() -> list[list[Delivery]]:
    """Each file's, as a cluster of its own."""
    return [copies(path, COPIES, _SCHEMAS) for path in FILES]


def _mix(events: int) -> list[Delivery]:
    now = time.time()
    return [
        Delivery(one.body, "application/json", "utf-8", {"hostname": one.hostname}, one.routing_key, received_at=now)
        for one in messages("mix", events)
    ]


def _reads(items: Sequence[Delivery]) -> list[Read]:
    """As a live source hands them out: up to 1,000 that were received at the same moment."""
    reads = [list(items[start : start + READ]) for start in range(0, len(items), READ)]
    for read in reads:
        for delivery in read:
            delivery.received_at = read[-1].received_at
    return reads


def _prepare(reads: Iterable[Read]) -> list[Prepared]:
    state, prepared = ClusterState(), []
    for read in reads:
        observed_time = iso_ms(read[0].received_at or 0.0)
        for delivery in read:
            events = decode(delivery)[0]
            _SCHEMAS.plain(events, lambda _: False)  # notes which names they have, for the stages behind it
            for event in events:
                identity, event_time = event_id(event.fields), iso_ms(event.fields["timestamp"])
                context = enrich(event, identity, event_time, state)
                kept = Context(
                    context.state, dict(context.known), context.complete, context.shape
                )  # valid for one event
                prepared.append(Prepared(event, identity, event_time, observed_time, kept))
    return prepared


def _about(bodies: Sequence[Delivery], singles: Sequence[Prepared], records: Iterable[Record]) -> str:
    sizes = [len(record.value) for record in records]
    types = Counter(one.event.type for one in singles)
    tasks = len({one.event.fields.get("uuid") for one in singles})
    lists = sum(delivery.body[:1] == b"[" for delivery in bodies)
    each = sum(len(one.body) for one in bodies) / len(singles)
    common = ", ".join(f"{number:,} {name}" for name, number in types.most_common(6))
    return (
        f"{len(bodies):,} deliveries ({lists:,} of them lists), {len(singles):,} events of {len(types)} types "
        f"({common} ...) and about {tasks:,} tasks; bodies of {each:,.0f} bytes an "
        f"event, records of {mean(sizes):,.0f} bytes on average, {median(sizes):,.0f} in the middle"
    )


def _native() -> Native:
    return Native("celery", _SCHEMAS.documented, _SCHEMAS.nullable)


def _encoder() -> KafkaEncoder:
    return KafkaEncoder(_native(), cluster="celery", topic="celery.events")


def _line_encoder() -> LineEncoder:
    return LineEncoder(_native(), cluster="celery")


def _record(encoder: KafkaEncoder, one: Prepared) -> Record:
    return encoder.record(one.event, one.context, one.event_id, one.event_time, one.observed_time)


def _loads(bodies: Sequence[Delivery]) -> None:
    for delivery in bodies:
        orjson.loads(delivery.body)


def _decode(bodies: Sequence[Delivery]) -> None:
    events: list[Event] = []
    for delivery in bodies:
        if not glance(delivery, events):
            events += decode(delivery)[0]
        events.clear()


def _validate(singles: Sequence[Prepared]) -> None:
    check = _SCHEMAS.check
    for one in singles:
        check(one.event)


def _enrich(prepared: Iterable[Sequence[Prepared]]) -> None:
    for cluster in prepared:
        state = ClusterState()
        for one in cluster:
            enrich(one.event, one.event_id, one.event_time, state)


def _encode(singles: Sequence[Prepared]) -> None:
    encoder = _encoder()
    for one in singles:
        _record(encoder, one)


def _append(records: Sequence[Record]) -> None:
    """As the lanes of the Kafka sink do it, without the network."""
    groups: dict[int, list[Record]] = defaultdict(list)
    for record in records:
        groups[partition(record.key or b"", PARTITIONS)].append(record)
    for group in groups.values():
        start = 0
        while start < len(group):
            batch = Batch(BATCH_BYTES, "zstd")
            batch.extend(group, start, len(group), group[-1].timestamp_ms)
            batch._build()
            start += batch.record_count()


def _transform(clusters: Iterable[Iterable[Read]], encoder: Callable[[], Encoder] = _encoder) -> None:
    nothing = Patterns()
    for reads in clusters:
        pipeline = Pipeline(
            schemas=_SCHEMAS,
            state=ClusterState(),
            encoder=encoder(),
            passes=Filter(nothing, nothing, nothing),
        )
        for read in reads:
            left = read
            while left:  # as the chain does: a read of many lists is sent in parts
                left = left[pipeline.transform(left).taken :]


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
