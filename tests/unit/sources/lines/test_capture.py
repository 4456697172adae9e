"""Tests of bridge.sources.lines.capture."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from bridge.model import Delivery
from bridge.sources.lines.capture import delivery_of
from tests.captures import FILES, deliveries


def captured(**fields: Any) -> Delivery:
    return delivery_of(json.dumps(fields).encode())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_real_captures_become_the_deliveries_they_recorded(path: Path) -> None:
    """Every line of every recorded file gives the broker's bytes and what the delivery carried."""
    lines = path.read_bytes().split(b"\n")[:-1]
    expected = list(deliveries(path))

    assert len(lines) == len(expected) > 0
    for line, (_, delivery) in zip(lines, expected, strict=True):
        delivery.tag = None
        assert delivery_of(line) == delivery


def test_body_is_what_json_dumps_writes() -> None:
    """The bytes of `body` are those that a Celery worker sent: Python's separators, escapes and order."""
    body = {"type": "task-sent", "b": [1, 2.50, None, True], "a": "é\u2028", "n": 1e22}

    assert captured(body=body).body == json.dumps(body).encode()


@pytest.mark.parametrize(
    "text",
    [
        '{"x": NaN}',
        '{"x": [Infinity, -Infinity]}',
        '{"x": "\\udcff", "\\ud800": 1}',
        '{"x": 123456789012345678901234567890}',
        '{"x": -9223372036854775809}',
        '{"x": 18446744073709551616}',
        '{"x": 18446744073709551615, "y": 0.1234567890123456789}',
        "[]",
        "null",
        '"text"',
        "[{}, 1]",
    ],
)
def test_body_that_only_python_writes_keeps_its_bytes(text: str) -> None:
    """NaN, lone surrogates and integers of any size come out as they went in."""
    line = b'{"t": 5.5, "body": %s}' % text.encode()

    assert delivery_of(line).body == json.dumps(json.loads(text)).encode()
    assert delivery_of(line).received_at == 5.5


def test_body_b64_wins_over_body() -> None:
    """With both, the bytes are those of body_b64; they may be no JSON at all."""
    assert captured(body={"a": 1}, body_b64=base64.b64encode(b"\x80\x04pickle").decode()).body == b"\x80\x04pickle"


def test_empty_body_b64_is_an_empty_body() -> None:
    """A message without bytes was captured as such."""
    assert captured(body_b64="").body == b""


def test_null_body_b64_counts_as_absent() -> None:
    """A null is no base64: `body` is used."""
    assert captured(body=[], body_b64=None).body == b"[]"


@pytest.mark.parametrize(
    "line",
    [
        b'{"type": "task-sent", "body": {}}',
        b'{"type": null, "body_b64": ""}',
        b'[{"body": {}}]',
        b"[]",
        b"3",
        b"null",
        b'"body"',
        b"{}",
        b'{"t": 5, "content_type": "text/plain"}',
        b'{"body": {}',
        b'{"body": {}} trailing',
        b"not json",
        b'{"body": "\xff"}',
        b'\xff\xfe{\x00"\x00',
        b'{"body_b64": "%%%"}',
        b'{"body_b64": "YQ"}',
        '{"body_b64": "é"}'.encode(),
        b'{"body": ' + b"1" * 5000 + b"}",
        b'{"body": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"body": ' + b"[" * 990 + b"]" * 990 + b"}",
        b'{"body": ["' + b"x" * (16 * 1024 * 1024) + b'"]}',
        b'{"body": [' + b"[]," * 200_001 + b"0]}",
    ],
    ids=lambda line: f"{line[:24]!r}-{len(line)}",
)
def test_everything_else_is_a_bare_body(line: bytes) -> None:
    """What is no capture, or not worth parsing, is a body of its own: the bytes of the line, nothing else known."""
    assert delivery_of(line) == Delivery(line)


def test_brackets_in_strings_do_not_count_as_nesting() -> None:
    """A long text full of brackets is a capture like any other."""
    body = {"traceback": "[" * 300_000}

    assert captured(body=body).body == json.dumps(body).encode()


def test_what_the_delivery_carried_is_taken_over() -> None:
    """Content type, encoding, headers, routing key and time of the capture are those of the delivery."""
    delivery = captured(
        body={},
        content_type="application/json",
        content_encoding="utf-8",
        headers={"hostname": "w@h", "n": 1},
        delivery_info={"routing_key": "task.sent", "redelivered": True},
        t=1795177792.5,
    )

    assert delivery == Delivery(
        b"{}", "application/json", "utf-8", {"hostname": "w@h", "n": 1}, "task.sent", False, 1795177792.5
    )


@pytest.mark.parametrize("odd", [None, 5, 1.5, True, "", [], [1], {}, {"a": {}}], ids=repr)
@pytest.mark.parametrize("name", ["content_type", "content_encoding", "headers", "delivery_info", "properties", "t"])
def test_fields_of_the_wrong_type_count_as_absent(name: str, odd: Any) -> None:
    """Whatever a field holds, the line is a delivery, with that field as it is declared or absent."""
    delivery = captured(body={}, **{name: odd})

    assert delivery.body == b"{}"
    assert delivery.content_type is None or isinstance(delivery.content_type, str)
    assert delivery.content_encoding is None or isinstance(delivery.content_encoding, str)
    assert isinstance(delivery.headers, dict)
    assert delivery.routing_key == ""
    assert delivery.received_at is None or type(delivery.received_at) is float


def test_routing_key_of_the_wrong_type_counts_as_absent() -> None:
    """A routing key is text or not there."""
    assert captured(body={}, delivery_info={"routing_key": 5}).routing_key == ""


@pytest.mark.parametrize("time", ["0", "-1", "true", "null", '"5"', "NaN", "Infinity", "1e300", "253402300800", "[]"])
def test_time_that_is_none_is_unknown(time: str) -> None:
    """Only a number within the years 1970 to 9999 says when a line was received."""
    assert delivery_of(b'{"body": {}, "t": %s}' % time.encode()).received_at is None


@pytest.mark.parametrize("time", [1, 0.001, 1795177792.73856, 253402300799.9])
def test_time_is_a_float_in_seconds(time: float) -> None:
    """A whole number of seconds is a time too."""
    received_at = captured(body={}, t=time).received_at

    assert received_at == time
    assert type(received_at) is float
