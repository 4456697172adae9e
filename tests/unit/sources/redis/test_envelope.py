"""bridge.sources.redis.envelope; that it agrees with read_envelope on anything is in tests/property."""

import base64
import json
from uuid import uuid4

import pytest

from bridge.clients.envelope import read_envelope
from bridge.sources.redis.envelope import Envelopes


def envelope(body: bytes = b"{}", **changes: object) -> bytes:
    """As kombu writes it (kombu/transport/virtual/base.py, `prepare_message`)."""
    properties = {
        "delivery_mode": 1,
        "delivery_info": {"exchange": "celeryev", "routing_key": "task.multi"},
        "priority": 0,
        "body_encoding": "base64",
        "delivery_tag": str(uuid4()),
    }
    parts = {
        "body": base64.b64encode(body).decode(),
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": {"hostname": "celery@w1"},
        "properties": properties,
    }
    return json.dumps(parts | changes).encode()


def test_what_kombu_sends_is_opened() -> None:
    """Body, content type, headers, routing key; the second message like the first, and sharing its headers."""
    envelopes = Envelopes()
    first, second = (envelopes.open(envelope(body), "x", 5.0) for body in (b"[1]", b"[2]"))
    assert (first.body, second.body) == (b"[1]", b"[2]")
    assert (second.content_type, second.content_encoding) == ("application/json", "utf-8")
    assert (second.headers, second.routing_key, second.received_at) == ({"hostname": "celery@w1"}, "task.multi", 5.0)
    assert second.headers is first.headers
    assert not second.redelivered


def test_envelopes_that_differ_are_told_apart() -> None:
    """By headers and by content type, though both were seen before."""
    envelopes = Envelopes()
    for _ in range(2):
        assert envelopes.open(envelope(headers={"hostname": "a"}), "", 1.0).headers == {"hostname": "a"}
        assert envelopes.open(envelope(headers={"hostname": "b"}), "", 1.0).headers == {"hostname": "b"}
        assert envelopes.open(envelope(**{"content-type": "text/plain"}), "", 1.0).content_type == "text/plain"


@pytest.mark.parametrize(
    "data",
    [
        b"{ no json",
        b"\xff",
        b"[1]",
        b'{"body": "',
        envelope(properties={}),
        envelope(body=b"\xff" * 10, properties={"body_encoding": "BASE64", "delivery_tag": str(uuid4())}),
        envelope().replace(b'"e30="', b'"%%%%"'),
        envelope().replace(b'"e30="', b'"e30=="'),
        envelope().replace(b'"e30="', b'"e30"'),
        envelope().replace(b'"e30="', b'"e31="'),
        envelope().replace(b'"e30="', b'""'),
        envelope().replace(b'"e30="', b'"e30=", "body": "W10="'),
        envelope().replace(b'"headers": {', b'"headers": {"delivery_tag": "00000000-0000-0000-0000-000000000000", '),
        json.dumps({**json.loads(envelope()), "headers": {"delivery_tag": str(uuid4())}}).encode(),
        json.dumps(
            {k: json.loads(envelope())[k] for k in ("body", "properties", "headers")} | {"delivery_tag": str(uuid4())}
        ).encode(),
        envelope(headers={"padding": "x" * 5000}),
        envelope() + b"}",
    ],
)
def test_whatever_is_odd_is_opened_as_everywhere_else(data: bytes) -> None:
    """As `read_envelope` does it, at first sight and when it was seen before."""
    envelopes = Envelopes()
    for _ in range(2):
        opened = envelopes.open(data, "key", 1.0)
        assert opened == read_envelope(data, routing_key="key", received_at=1.0, tag=None)


def test_what_is_remembered_is_bounded() -> None:
    """A header that differs every time (a trace's) does not fill the memory."""
    envelopes = Envelopes()
    for number in range(5000):
        assert envelopes.open(envelope(headers={"trace": str(number)}), "", 1.0).headers == {"trace": str(number)}
    assert len(envelopes._frames) <= 4096
