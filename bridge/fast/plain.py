"""What `bridge.fast` does, where nothing was compiled. Pure; for any thread."""

from struct import Struct
from typing import Any, Final

import orjson

from bridge.headers import varint
from bridge.model import Fields, Names

_ATTRIBUTES: Final = b"\x00"  # of a record: none are defined

_MASK: Final = 0xFFFFFFFF
_SEED: Final = 0x9747B28C
_M: Final = 0x5BD1E995

# Keys remembered: a task's events come close together, and one entry is about 150 bytes, so 10 MiB at most.
_REMEMBERED: Final = 65_536

_words: Final[dict[int, Struct]] = {}
_hashes: Final[dict[bytes, int]] = {}


def identity(fields: Fields, /) -> tuple[str, str] | None:  # noqa: ARG001 - the signature of the one in C
    """
    What `bridge.identify.identify` returns; None for fields that it is not at ease with, or where it is not compiled.

    `fields` is not changed. Raises nothing.
    """
    return None


def read_json(text: bytes, /) -> Fields | list[Any] | None:  # noqa: ARG001 - the signature of the one in C
    """
    What `orjson.loads` returns for an object or a list; None for what it is not at ease with, or where it is not
    compiled.

    Keeps up to 1,024 names of 64 bytes, 8 short texts for each, and the last of 256 kinds of object. Raises nothing but
    MemoryError.
    """
    return None


def keeps(fields: Fields, names: tuple[str, ...], asked: bytes, /) -> bool:  # noqa: ARG001 - as above
    """
    Whether the fields have surely these names, in this order, and each keeps its rule; no says nothing, as where it is
    not compiled.

    Args:
        names: the very objects that the fields have.
        asked: of each name, in their order (`bridge.validate.rules.Rule.asked`).
    """
    return False


def same_names(fields: Fields, names: tuple[str, ...], /) -> bool:
    """Whether these are the names of the fields, in this order."""
    return tuple(fields) == names


def joined(*parts: str | bytes) -> bytes:
    """0..8 parts, one behind the other; texts in UTF-8."""
    return b"".join([part.encode() if isinstance(part, str) else part for part in parts])


def record(
    event_id: str,
    head: str,
    event_time: str,
    middle: str,
    own: Fields,
    names: Names | None,
    nullable: Names,
    nulls: int,
    skew: bytes,
    known: Fields,
    added: Names | None,
    tail: bytes,
    /,
) -> bytes | int | None:
    """
    A record: its start with the id, three texts, the event's own fields, what is known beside them, and how it ends.

    Args:
        own: may hold `type`, which is left out.
        names: which of `own` to write; None: all but those of `nullable` that are null.
        nullable: up to 62 names of fields that are left out when they are null.
        nulls: the bit of each of them that is expected to be null, 1 for the first, or below 0: whatever they are.
        skew: a field as JSON behind a comma, or nothing.
        added: which of `known` to write; None: all.
        tail: the end of a JSON object: empty fields behind a comma, or only a brace.

    Returns:
        The record; or the bits of those that are null, when others were expected. The one in C: None for what it is
        not at ease with, which is then for this one to write, or to refuse.

    Raises:
        TypeError: something has no form in JSON.
        KeyError: one of the names is not there.
    """
    if names is not None:
        own = {name: own[name] for name in names}
    else:
        own = own.copy()  # and deletions: a third of what building it name by name costs
        own.pop("type", None)
        found = 0
        for place, name in enumerate(nullable):
            if own.get(name, nullable) is None:
                del own[name]
                found |= 1 << place
        if found != nulls >= 0:
            return found
    if added is not None:
        known = {name: known[name] for name in added}
    start = "".join(('{"event_id":"', event_id, head, event_time, middle)).encode()
    return b"".join((start, _members(own), skew, _members(known), tail))


def _members(fields: Fields) -> bytes:
    """Each behind a comma, as JSON."""
    return b"," + orjson.dumps(fields)[1:-1] if fields else b""


def add_record(
    data: bytearray, most: int, time: int, place: int, key: bytes | None, value: bytes, headers: bytes, /
) -> bool:
    """
    Append a record as Kafka stores it (org.apache.kafka.common.record.DefaultRecord); False, and nothing is added,
    when `data` would then be longer than `most`.

    Args:
        data: the records of a batch; changed.
        time: in ms, of the record less that of the batch's first.
        place: of the record in the batch, from 0 on.
        headers: packed (`bridge.headers.pack`).
    """
    head = b"".join(
        (
            _ATTRIBUTES,
            varint(time),
            varint(place),
            varint(-1 if key is None else len(key)),  # -1: null
            key or b"",
            varint(len(value)),
        )
    )
    size = len(head) + len(value) + len(headers)
    length = varint(size)
    if len(data) + len(length) + size > most:
        return False
    data += b"".join((length, head, value, headers))  # all of it or nothing
    return True


def key_hash(key: bytes, /) -> int:
    """
    What Java's partitioner makes of a key: `toPositive(murmur2(key))`, 31 bits.

    Remembered here: 0.1 us for a key seen before, else 3 (36 bytes).
    """
    hashed = _hashes.get(key)
    if hashed is None:
        if len(_hashes) >= _REMEMBERED:
            _hashes.clear()
        hashed = _hashes[key] = murmur2(key) & 0x7FFFFFFF
    return hashed


def murmur2(data: bytes) -> int:
    """
    32-bit MurmurHash2 as org.apache.kafka.common.utils.Utils.murmur2 computes it, as an unsigned number.

    Half the time of aiokafka's own (5.6 us), for it takes the words out of the key all at once.
    """
    length = len(data)
    count = length >> 2
    words = _words.get(count)
    if words is None:
        words = Struct(f"<{count}I")
        if count <= 64:
            _words[count] = words
    hashed = _SEED ^ length
    for taken in words.unpack_from(data):
        word = (taken * _M) & _MASK
        hashed = ((hashed * _M) ^ ((word ^ (word >> 24)) * _M)) & _MASK
    tail = data[count << 2 :]
    if tail:
        hashed = ((hashed ^ int.from_bytes(tail, "little")) * _M) & _MASK
    hashed = ((hashed ^ (hashed >> 13)) * _M) & _MASK
    return hashed ^ (hashed >> 15)
