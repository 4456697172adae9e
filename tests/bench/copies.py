"""The captured deliveries over and over, each time as new tasks: what repeats is known already, and cheap."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from bridge.decode import decode
from bridge.model import Delivery
from bridge.validate import Schemas
from tests.captures import deliveries

_APART_SECONDS = 3600.0
_UUIDS = ("uuid", "root_id", "parent_id")


def copies(path: Path, count: int, schemas: Schemas) -> list[Delivery]:
    """
    Those deliveries of a capture file that hold valid JSON events and nothing else, `count` times over.

    Each time the tasks have other uuids, and everything happens an hour later. The bytes are otherwise as they were
    sent; what is not plain JSON text (other charsets, compression) is left out.
    """
    valid = [
        (capture["body"], delivery)
        for capture, delivery in deliveries(path)
        if "body_b64" not in capture and _is_valid(delivery, schemas)
    ]
    return [_copy(body, delivery, number) for number in range(count) for body, delivery in valid]


def _is_valid(delivery: Delivery, schemas: Schemas) -> bool:
    events, failures = decode(delivery)
    return bool(events) and not failures and all(schemas.check(event) is None for event in events)


def _copy(body: Any, delivery: Delivery, number: int) -> Delivery:
    later = number * _APART_SECONDS
    changed = [dict(_changed(event, number, later)) for event in (body if isinstance(body, list) else [body])]
    text = json.dumps(changed if isinstance(body, list) else changed[0]).encode()
    return replace(delivery, body=text, received_at=(delivery.received_at or 0.0) + later)


def _changed(event: dict[str, Any], number: int, later: float) -> Iterator[tuple[str, Any]]:
    for name, value in event.items():
        if name in _UUIDS and isinstance(value, str):
            yield name, str(uuid5(NAMESPACE_OID, f"{number} {value}"))
        elif name == "timestamp":
            yield name, value + later
        else:
            yield name, value
