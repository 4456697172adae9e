"""Events, deliveries and pipelines for the tests of the stages and the chain."""

import json
from typing import Any

from bridge.encode import Encoder, KafkaEncoder, LineEncoder
from bridge.filter import Filter, Patterns
from bridge.formats.native import Native
from bridge.formats.tagged import NativeWithTags
from bridge.model import Delivery, Event
from bridge.pipeline import Limit, Pipeline
from bridge.state import ClusterState
from bridge.validate import EVERY_TYPE, Policy, Schemas
from tests.unit.state.celery_answer import event, received, sent

RECEIVED_AT = 1795178800.5

SCHEMAS = Schemas.load()


def started(at: float = 1795178793.25, uuid: str = "u1", **fields: Any) -> dict[str, Any]:
    """A valid task-started."""
    return event("task-started", at, uuid=uuid, **fields)


def delivery(*events: object, received_at: float | None = RECEIVED_AT, **given: Any) -> Delivery:
    """A JSON delivery: of one event as an object, of several as a list."""
    body = json.dumps(events[0] if len(events) == 1 else list(events)).encode()
    return Delivery(body, "application/json", "utf-8", received_at=received_at, **given)


def decoded(fields: dict[str, Any], received_at: float | None = RECEIVED_AT) -> Event:
    """One event as decode makes it."""
    return Event(fields["type"], fields, delivery(fields, received_at=received_at), None)


def native(cluster: str = "celery", schemas: Schemas = SCHEMAS) -> Native:
    """The native format over our schemas, or those given."""
    return Native(cluster, schemas.documented, schemas.nullable, schemas.replaced, schemas.misfits)


def tagging(schemas: Schemas = SCHEMAS) -> NativeWithTags:
    """The native format that takes `Tagged` events too."""
    apart = Native(
        "celery", schemas.documented, schemas.nullable, EVERY_TYPE, lambda event: schemas.misfits(event) - {"type"}
    )
    return NativeWithTags(native(schemas=schemas), apart)


def pipeline(
    *,
    on_invalid: str = "dead-letter",
    topic: str = "",
    wanted: tuple[str, ...] = (),
    limit: int | None = None,
    max_tasks: int = 1000,
    schemas: Schemas = SCHEMAS,
    passes: Filter | None = None,
) -> Pipeline:
    """A whole pipeline: to lines, or with `topic` to Kafka."""
    format_ = tagging(schemas) if on_invalid == "tag" else native(schemas=schemas)
    encoder: Encoder = (
        KafkaEncoder(format_, cluster="celery", topic=topic) if topic else LineEncoder(format_, cluster="celery")
    )
    return Pipeline(
        schemas=schemas,
        state=ClusterState(max_tasks=max_tasks),
        encoder=encoder,
        passes=passes or Filter(Patterns(wanted), Patterns(), Patterns()),
        limit=None if limit is None else Limit(limit),
        policy=Policy(on_invalid, schemas),
    )


__all__ = [
    "RECEIVED_AT",
    "SCHEMAS",
    "decoded",
    "delivery",
    "event",
    "native",
    "pipeline",
    "received",
    "sent",
    "started",
    "tagging",
]
