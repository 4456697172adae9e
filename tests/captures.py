"""The recorded events of `tests/data/captures`, for tests that want real ones."""

import json
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bridge.model import Delivery, Event

DIRECTORY = Path(__file__).parent / "data" / "captures"
FILES = sorted(DIRECTORY.glob("*.jsonl"))


def _int(digits: str) -> int | str:
    """As decode repairs them: JSON writers on both sides refuse what 64 bits do not hold."""
    number = int(digits)
    return number if -(2**63) <= number < 2**64 else digits


def deliveries(path: Path) -> Iterator[tuple[dict[str, Any], Delivery]]:
    """Each line of a capture file with the delivery that it recorded, in order."""
    lines = path.read_bytes().splitlines()  # of bytes: those of text would cut at a U+2028 inside a string
    for number, line in enumerate(lines, 1):
        capture = json.loads(line)
        encoded = capture.get("body_b64")
        yield (
            capture,
            Delivery(
                body=b64decode(encoded) if encoded is not None else json.dumps(capture["body"]).encode(),
                content_type=capture["content_type"],
                content_encoding=capture["content_encoding"],
                headers=capture["headers"],
                routing_key=capture["delivery_info"]["routing_key"],
                received_at=capture["t"],
                tag=number,
            ),
        )


def events(path: Path) -> Iterator[Event]:
    """Every event of the bodies that are JSON, valid or not, as decode returns it; not those in `body_b64`."""
    for capture, delivery in deliveries(path):
        body = None if "body_b64" in capture else json.loads(delivery.body, parse_int=_int)
        if isinstance(body, dict):
            yield Event(body["type"], body, delivery, None)
        elif isinstance(body, list):
            yield from (Event(fields["type"], fields, delivery, index) for index, fields in enumerate(body))
