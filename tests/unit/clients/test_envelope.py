"""bridge.clients.envelope"""

import base64
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from bridge.clients.envelope import open_envelope, plain, read_envelope
from bridge.model import Delivery


def envelope(**changes: Any) -> dict[str, Any]:
    properties = {"body_encoding": "base64", "delivery_tag": "t", "delivery_info": {"routing_key": "task.multi"}}
    whole = {"body": base64.b64encode(b"[]").decode(), "content-type": "application/json", "headers": {"hostname": "h"}}
    return {**whole, "content-encoding": "utf-8", "properties": properties, **changes}


def opened(payload: dict[str, Any]) -> Delivery | None:
    return open_envelope(payload, received_at=1.0, tag="tag")


def test_only_the_transport_is_taken_off() -> None:
    """Base64 of the transport goes; body, types, headers and routing key are the sender's."""
    assert opened(envelope()) == Delivery(
        b"[]", "application/json", "utf-8", {"hostname": "h"}, "task.multi", False, 1.0, "tag"
    )


def test_a_compressed_body_stays_compressed() -> None:
    """Its header stays too: inflating, with a limit, is decode's."""
    body = base64.b64encode(b"\x1f\x8b").decode()
    delivery = opened(envelope(body=body, headers={"compression": "application/x-gzip"}))
    assert delivery is not None
    assert (delivery.body, delivery.headers) == (b"\x1f\x8b", {"compression": "application/x-gzip"})


def test_text_without_base64_is_utf8() -> None:
    """Transports may carry the body as text (body_encoding utf-8); lone surrogates survive as their bytes."""
    delivery = opened(envelope(body="é\ud800", properties={}))
    assert delivery is not None
    assert delivery.body == "é".encode() + b"\xed\xa0\x80"


def test_redelivery_is_seen_wherever_kombu_notes_it() -> None:
    """Redis writes it into the headers and the delivery info, other transports beside the body."""
    for changes in (
        {"redelivered": True},
        {"headers": {"redelivered": True}},
        {"properties": {"delivery_info": {"redelivered": True}}},
    ):
        delivery = opened(envelope(**changes))
        assert delivery is not None
        assert delivery.redelivered


def test_a_body_that_cannot_be_read_is_none() -> None:
    """Broken base64, no body, a body of another kind."""
    for body in ("%%%", "abc", None, 7, [1]):
        assert opened(envelope(body=body)) is None


def test_what_is_no_envelope_is_its_own_body() -> None:
    """It is dead-lettered with its bytes, under the channel's routing key."""
    for data in (b"{ no", b"[1]", b"\xff", orjson.dumps(envelope(body="%%%"))):
        delivery = read_envelope(data, routing_key="task.sent", received_at=1.0, tag="t")
        assert delivery == Delivery(data, routing_key="task.sent", received_at=1.0, tag="t")


def test_the_routing_key_is_the_channels_where_the_envelope_has_none() -> None:
    """And the envelope's own where it has one (fanout_patterns off: the channel has none)."""
    data = orjson.dumps(envelope(properties={"body_encoding": "base64"}))
    assert read_envelope(data, routing_key="a.b", received_at=1.0, tag="t").routing_key == "a.b"
    data = orjson.dumps(envelope())
    assert read_envelope(data, routing_key="", received_at=1.0, tag="t").routing_key == "task.multi"


def test_headers_of_amqp_types_become_json() -> None:
    """Dead letters carry them as JSON."""
    headers = {
        "when": datetime(2026, 11, 20, tzinfo=UTC),
        "price": Decimal("1.50"),
        "raw": b"ok\xff",
        "deep": {"list": [b"a", None, 1.5]},
        "nan": float("nan"),
    }
    assert plain(headers) == {
        "when": "2026-11-20T00:00:00+00:00",
        "price": "1.50",
        "raw": "ok\\xff",
        "deep": {"list": ["a", None, 1.5]},
        "nan": "nan",
    }


def test_headers_nested_as_deeply_as_json_goes_are_no_trouble() -> None:
    """orjson reads 1,024 levels, which is more than Python's stack has for showing them."""
    data = b'{"body": "1", "headers": {"a": ' + b"[" * 1020 + b"]" * 1020 + b"}}"
    delivery = read_envelope(data, routing_key="", received_at=1.0, tag="t")
    assert delivery.body == b"1"
    assert b"nested too deeply" in orjson.dumps(delivery.headers)


def test_plain_headers_are_not_copied() -> None:
    """The common case costs one look."""
    headers = {"hostname": "h", "n": 1, "x": None, "y": True, "f": 0.5}
    assert plain(headers) is headers


junk = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary(), st.datetimes()),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(), inner, max_size=4)),
    max_leaves=20,
)


@given(
    st.dictionaries(
        st.sampled_from(["body", "headers", "properties", "content-type", "content-encoding", "redelivered"]), junk
    )
)
def test_no_envelope_raises(payload: dict[str, Any]) -> None:
    """Whatever is inside: a delivery whose headers are JSON, or None."""
    delivery = opened(payload)
    if delivery is not None:
        assert isinstance(delivery.body, bytes)
        orjson.dumps(delivery.headers, option=orjson.OPT_PASSTHROUGH_DATETIME, default=_surrogates)


def _surrogates(value: object) -> str:
    raise AssertionError(f"{type(value)} is no JSON")


@given(st.binary(max_size=200))
def test_no_bytes_raise(data: bytes) -> None:
    """A message is never lost in reading its envelope."""
    delivery = read_envelope(data, routing_key="k", received_at=1.0, tag="t")
    assert delivery.received_at == 1.0
