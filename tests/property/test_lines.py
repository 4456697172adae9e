"""Laws of bridge.sources.lines: whatever the bytes, nothing is lost, and every delivery can be returned to."""

import base64
import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from bridge.errors import EndOfStream
from bridge.model import Delivery
from bridge.sources.lines import LinesSource
from bridge.sources.lines.capture import delivery_of
from bridge.sources.lines.splitter import Splitter
from tests.running import run

# Surrogates, NaN and integers of any size too: Python's json writes and reads them all.
texts = st.text(st.characters(), max_size=20)
numbers = st.integers() | st.floats() | st.integers(min_value=10**17, max_value=10**400)
json_values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(texts, inner, max_size=5),
    max_leaves=30,
)
line_likes = st.one_of(
    st.binary(max_size=60),
    st.sampled_from(
        [b"", b" ", b"\r", b"\xef\xbb\xbf", b"[]", b'{"type": "a"}', b'{"body": {}}', b'{"body_b64": "YQ=="}']
    ),
    st.builds(lambda value: json.dumps({"body": value}).encode(), json_values),
).map(lambda line: line.replace(b"\n", b""))


@given(json_values)
@example({"x": float("nan"), "\ud800": -(2**63) - 1})
@example(1.7976931348623157e308)
@example("0" * 25)
def test_captured_body_has_the_senders_bytes(body: Any) -> None:
    """What `json.dumps` wrote is what comes out, though the line was written by another writer."""
    sent = json.dumps(body).encode()

    for line in (
        json.dumps({"t": 1.5, "body": body}),
        json.dumps({"body": body, "n": 1}, separators=(",", ":")),
        json.dumps({"body": body}, ensure_ascii=False).encode("utf-8", "backslashreplace").decode(),
    ):
        assert delivery_of(line.encode()).body == sent


@given(st.binary(max_size=200))
def test_captured_bytes_come_out_untouched(body: bytes) -> None:
    """In base64 any message can be captured."""
    assert delivery_of(json.dumps({"body_b64": base64.b64encode(body).decode()}).encode()).body == body


@given(st.binary(max_size=300))
@example(b'{"body": ' + b"[" * 3000)
def test_any_line_is_a_delivery(line: bytes) -> None:
    """No bytes make it fail; what is no capture keeps its bytes."""
    delivery = delivery_of(line)

    assert isinstance(delivery.body, bytes)
    assert delivery.body == line or line.lstrip().startswith(b"{")


@given(
    st.dictionaries(st.sampled_from(["body", "content_type", "headers", "delivery_info", "t", "body_b64"]), json_values)
)
def test_any_capture_is_a_delivery_of_declared_types(capture: dict[str, Any]) -> None:
    """Whatever stands in its fields, the delivery's have their types."""
    line = json.dumps(capture).encode()
    delivery = delivery_of(line)

    assert isinstance(delivery.body, bytes)
    assert delivery.content_type is None or isinstance(delivery.content_type, str)
    assert isinstance(delivery.headers, dict)
    assert isinstance(delivery.routing_key, str)
    assert delivery.received_at is None or 0 < delivery.received_at < 253_402_300_800


@given(st.lists(line_likes, max_size=20), st.lists(st.integers(min_value=1, max_value=50), min_size=1))
def test_splitter_gives_the_same_lines_however_the_chunks_fall(lines: list[bytes], sizes: list[int]) -> None:
    """Cutting the bytes anywhere changes nothing."""
    content = b"\n".join(lines)
    splitter = Splitter()
    found: list[bytes] = []
    start = step = 0
    while start < len(content):
        size = sizes[step % len(sizes)]
        found += splitter.feed(content[start : start + size])
        start, step = start + size, step + 1
    found += splitter.end()

    expected = content.split(b"\n")
    assert found == (expected if expected[-1] else expected[:-1])


async def read_all(path: Path, position: bytes | None) -> list[Delivery]:
    found: list[Delivery] = []
    async with LinesSource(path) as source:
        await source.start(position)
        try:
            while True:
                found += [item for item in await source.read() if isinstance(item, Delivery)]
        except EndOfStream:
            return found


@settings(max_examples=50)
@given(st.lists(line_likes, max_size=12), st.booleans(), st.data())
def test_source_loses_no_line_and_goes_on_behind_any_delivery(
    lines: list[bytes], ended: bool, data: st.DataObject
) -> None:
    """Every line that is not blank is one delivery, with its number; from its position the rest follows as before."""
    content = b"\n".join(lines) + (b"\n" if ended else b"")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "events.jsonl"
        path.write_bytes(content)
        everything = run(read_all(path, None))
        start = data.draw(st.integers(min_value=0, max_value=len(everything)))
        rest = run(read_all(path, everything[start - 1].position)) if start else everything

    marked = content.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    assert [delivery.tag for delivery in everything] == [n for n, line in enumerate(marked, 1) if line.strip()]
    assert rest == everything[start:]
