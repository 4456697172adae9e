"""bridge/sources/stream/envelope.py."""

from bridge.sources.stream.envelope import Envelopes
from tests.unit.sources.stream.streaming import message


def opened(data: bytes) -> tuple[object, ...]:
    envelope, body = Envelopes().open(b"before" + data + b"behind", 6, 6 + len(data))
    return envelope.content_type, envelope.content_encoding, envelope.headers, envelope.routing_key, body


def test_an_envelope_is_cut_off() -> None:
    """Content type, encoding, headers and routing key, and the body untouched."""
    data = message(b"{}", headers={"compression": "gzip"}, routing_key="order.paid", encoding="utf-16")
    assert opened(data) == ("application/json", "utf-16", {"compression": "gzip"}, "order.paid", b"{}")


def test_large_tables_and_bodies_are_read() -> None:
    """Their long forms."""
    data = message(b"x" * 70_000, headers={"name": "v" * 250, "other": "w" * 200})
    assert opened(data)[2:] == ({"name": "v" * 250, "other": "w" * 200}, "task.multi", b"x" * 70_000)


def test_a_known_envelope_is_not_parsed_again() -> None:
    """The second message with the same envelope gets the very same object, whatever its body's size."""
    envelopes = Envelopes()
    first, second = message(b"x" * 300), message(b"y" * 40_000)
    one, _ = envelopes.open(first, 0, len(first))
    other, body = envelopes.open(second, 0, len(second))
    assert one is other
    assert body == b"y" * 40_000


def test_a_body_in_several_sections_is_joined() -> None:
    """Also when the first of them is in a known envelope."""
    envelopes = Envelopes()
    whole = message(b"one")
    for data, body in ((whole, b"one"), (whole + b"\0Su\xa0\3two", b"onetwo"), (whole + b"\0Sx\xc1\1\0", b"one")):
        assert envelopes.open(data, 0, len(data))[1] == body


def test_marks_inside_of_other_sections_do_not_deceive() -> None:
    """What looks like the beginning of the data may be part of a header's value."""
    data = message(b"{}", headers={"trap": "\0Su\2ab"})
    envelopes = Envelopes()
    for _ in range(2):
        envelope, body = envelopes.open(data, 0, len(data))
        assert body == b"{}"
        assert envelope.headers == {"trap": "\0Su\2ab"}


def test_a_value_is_a_body_too() -> None:
    """A client of AMQP 1.0 may send a string or a binary as a value, and descriptors in their long form."""
    assert opened(b"\0\x80" + b"\0" * 7 + b"\x77\xa1\2{}") == (None, None, {}, "", b"{}")


def test_what_is_no_amqp_is_all_body() -> None:
    """A client of the stream protocol may publish anything; no bytes are lost."""
    for data in (
        b"",
        b'{"type":"x"}',
        b"\0Su",
        b"\0Su\xa0\7ab",
        b"\0S\x73\xc0\1\0",
        message(b"{}")[:-1],
        b"\0Sr\xa1\1x\0Su\xa0\0",
    ):
        _, _, _, _, body = opened(data)
        assert body in (data, b"")


def test_envelopes_that_are_forgotten_are_parsed_again() -> None:
    """A sender that puts something different into each message costs time, not memory."""
    envelopes = Envelopes()
    for number in range(5000):
        data = message(b"{}", headers={"id": str(number)})
        assert envelopes.open(data, 0, len(data))[0].headers == {"id": str(number)}
    assert len(envelopes.known) <= 4096
