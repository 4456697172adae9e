"""
Headers of a Kafka record in the form in which Kafka stores them. No I/O.

Who encodes a record writes them once, and they go to the broker as they are: making pairs of them and writing each pair
in the sink costs more. The form (org.apache.kafka.common.record.DefaultRecord): how many there are, then of each the
length of its name, the name in UTF-8, the length of its value, the value. Lengths are varints.
"""

from collections.abc import Sequence
from typing import Final

from bridge.model import Header

_NONE_LENGTH: Final = b"\x01"  # -1: a value that is null
_SMALL: Final = 8192
"""Numbers below this, two bytes at most, are kept: a record has many. Larger ones, differences of times in a backlog
above all, are all different, and would only fill the memory."""
_small: Final[list[bytes]] = [b""] * _SMALL


def varint(number: int) -> bytes:
    """A whole number as Protocol Buffers write it (zigzag, seven bits a byte): 1 to 10 bytes for what has 64 bits."""
    if not 0 <= number < _SMALL:
        return _written(number)
    known = _small[number]
    if not known:
        _small[number] = known = _written(number)
    return known


def _written(number: int) -> bytes:
    left = number << 1 if number >= 0 else ~(number << 1)
    written = bytearray()
    while left > 0x7F:
        written.append(left & 0x7F | 0x80)
        left >>= 7
    written.append(left)
    return bytes(written)


def pack(headers: Sequence[Header]) -> bytes:
    """
    All of them in Kafka's form.

    Raises:
        TypeError, ValueError, AttributeError: a name is no text that has a UTF-8 form, or a value is no bytes.
    """
    return b"".join([varint(len(headers)), *(packed_header(name, value) for name, value in headers)])


def packed_header(name: str, value: bytes | None) -> bytes:
    """One of them. Raises as `pack`."""
    head = start_of_header(name)
    return head + _NONE_LENGTH if value is None else b"".join((head, varint(len(value)), value))


def start_of_header(name: str) -> bytes:
    """One of them up to its value. Raises as `pack`."""
    encoded = name.encode()
    return varint(len(encoded)) + encoded


def pairs(headers: Sequence[Header] | bytes) -> Sequence[Header]:
    """A record's headers as pairs, however they were given; packed ones as `pack` wrote them."""
    if not isinstance(headers, bytes):
        return headers
    count, at = _varint(headers, 0)
    found: list[Header] = []
    for _ in range(count):
        size, at = _varint(headers, at)
        name, at = headers[at : at + size].decode(), at + size
        size, at = _varint(headers, at)
        found.append((name, headers[at : at + size]))
        at += size
    return found


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """The number at this place, not below 0, and where it ends."""
    number = shift = 0
    while True:
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number >> 1, at
        shift += 7
