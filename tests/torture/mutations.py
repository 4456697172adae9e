"""Broken deliveries, from a seed: recorded ones that are damaged, and bodies that a grammar of JSON makes up."""

import bz2
import json
import lzma
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from random import Random
from typing import Any

from bridge.model import Delivery
from tests.captures import FILES, deliveries

_KEPT_A_FILE = 150  # recorded deliveries; of Celery's own there are not so many kinds
_MOST_BYTES = 64 * 1024

_TYPES = [
    "task-sent", "task-received", "task-started", "task-succeeded", "task-failed", "task-retried", "task-revoked",
    "task-rejected", "worker-online", "worker-heartbeat", "worker-offline", "order-paid", "task-", "bridge-gap",
    "", "\0",
]  # fmt: skip
_NAMES = [
    "type", "hostname", "timestamp", "utcoffset", "pid", "clock", "uuid", "name", "args", "kwargs", "retries", "eta",
    "result", "runtime", "exception", "traceback", "signum", "freq", "active", "processed", "loadavg", "sw_ver",
    "extra",
    "event_id", "violations", "__type__", "__value__", "\u202e", "",
]  # fmt: skip
_ATOMS = [
    "null", "true", "false", "0", "-0", "1e400", "NaN", "-Infinity", "1.5", "1795178793.25", "9" * 25, "-" + "9" * 30,
    "1" * 5000, '"\\ud800"', '"\\u0000"', '"\x1b[31m"', '"u1"', '"celery@web1"', '"\\uD83D\\uDE00"', '"\xff"',
    "tru", "",
]  # fmt: skip
_CONTENT_TYPES = [
    None, "", "application/json", "application/json; charset=utf-16", "application/x-python-serialize", "text/yaml",
    "application/data", "\udcff", "application/x-msgpack",
]  # fmt: skip
_ENCODINGS = [None, "", "utf-8", "binary", "latin-1", "utf-16", "utf-32", "us-ascii", "zlib", "rot13", "hex", "\udcff"]
_COMPRESSIONS: list[Any] = [
    "application/x-gzip", "bzip2", "lzma", "xz", "zlib", "application/zstd", "", 5, None, {"a": 1}, "\udcff",
]  # fmt: skip


def broken(seed: int) -> Iterator[Delivery]:
    """Deliveries without end, the same for the same seed; about one in three is damaged in more than one way."""
    random = Random(seed)
    recorded = [delivery for path in FILES for _, delivery in islice(deliveries(path), _KEPT_A_FILE)]
    while True:
        delivery = replace(random.choice(recorded), redelivered=False)
        if random.random() < 0.3:
            delivery.body = _document(random).encode("utf-8", "surrogatepass")
        for _ in range(random.choice((0, 1, 1, 1, 2, 3))):
            delivery = random.choice(_DAMAGES)(random, delivery, recorded)
        delivery.body = delivery.body[:_MOST_BYTES]
        yield delivery


def _flipped(random: Random, delivery: Delivery, _: list[Delivery]) -> Delivery:
    body = bytearray(delivery.body)
    for _ in range(random.randint(1, 8)):
        if body:
            body[random.randrange(len(body))] ^= 1 << random.randrange(8)
    return replace(delivery, body=bytes(body))


def _cut(random: Random, delivery: Delivery, _: list[Delivery]) -> Delivery:
    return replace(delivery, body=delivery.body[: random.randint(0, len(delivery.body))])


def _spliced(random: Random, delivery: Delivery, recorded: list[Delivery]) -> Delivery:
    other = random.choice(recorded).body
    at, to = random.randint(0, len(delivery.body)), random.randint(0, len(other))
    return replace(delivery, body=delivery.body[:at] + other[to:])


def _inserted(random: Random, delivery: Delivery, _: list[Delivery]) -> Delivery:
    at = random.randint(0, len(delivery.body))
    piece = random.choice(
        [random.randbytes(5), b"\xef\xbb\xbf", b"[" * 2000, b'{"a":' * 100, b"\\", b'"', b",", b"NaN"]
    )
    return replace(delivery, body=delivery.body[:at] + piece + delivery.body[at:])


def _refilled(random: Random, delivery: Delivery, _: list[Delivery]) -> Delivery:
    """Still JSON, with one field of an event gone, doubled under another name, or of another kind."""
    try:
        value = json.loads(delivery.body)
        event = random.choice(value) if isinstance(value, list) else value
        name = random.choice(list(event))
        odd = random.choice([None, {}, [], "", "x" * 300, -1, 2**70, 1e300, True, float("nan"), "\ud800"])
        event[random.choice([name, *_NAMES])] = odd
        if random.random() < 0.3:
            del event[name]
        return replace(delivery, body=json.dumps(value).encode())
    except (ValueError, IndexError, TypeError, KeyError, RecursionError):
        return delivery


def _relabelled(random: Random, delivery: Delivery, _: list[Delivery]) -> Delivery:
    return replace(
        delivery,
        content_type=random.choice(_CONTENT_TYPES),
        content_encoding=random.choice(_ENCODINGS),
        routing_key=random.choice(["", "task.multi", "\udcff", "x" * 255]),
        received_at=random.choice([delivery.received_at, None, 1.0]),
    )


def _compressed(random: Random, delivery: Delivery, _: list[Delivery]) -> Delivery:
    """With a header of a compression: the true one, another one, or one of a body that is not compressed at all."""
    pack = random.choice((zlib.compress, bz2.compress, lzma.compress, bytes))
    headers = {**delivery.headers, "compression": random.choice(_COMPRESSIONS)}
    return replace(delivery, body=pack(delivery.body), headers=headers)


def _transcoded(random: Random, delivery: Delivery, _: list[Delivery]) -> Delivery:
    codec = random.choice(("utf-16", "utf-32", "latin-1", "utf-16-le"))
    text = delivery.body.decode("utf-8", "replace").encode(codec, "replace")
    return replace(delivery, body=text, content_encoding=codec)


_Damage = Callable[[Random, Delivery, list[Delivery]], Delivery]
_DAMAGES: list[_Damage] = [
    _flipped, _cut, _spliced, _inserted, _refilled, _refilled, _refilled, _relabelled, _compressed, _transcoded,
]  # fmt: skip


def _document(random: Random) -> str:
    """A list of events, an event, or anything else that looks like JSON."""
    if random.random() < 0.5:
        return "[" + ",".join(_event(random) for _ in range(random.randint(0, 6))) + "]"
    return _event(random) if random.random() < 0.7 else _value(random, 6)


def _event(random: Random) -> str:
    fields = [f'"type":{json.dumps(random.choice(_TYPES))}'] if random.random() < 0.9 else []
    fields += [f"{json.dumps(random.choice(_NAMES))}:{_value(random, 3)}" for _ in range(random.randint(0, 10))]
    random.shuffle(fields)
    return "{" + ",".join(fields) + "}"


def _value(random: Random, depth: int) -> str:
    kind = random.random() if depth else 0.0
    if kind < 0.6:
        return random.choice(_ATOMS)
    if kind < 0.8:
        return "[" + ",".join(_value(random, depth - 1) for _ in range(random.randint(0, 3))) + "]"
    pairs = (f"{json.dumps(random.choice(_NAMES))}:{_value(random, depth - 1)}" for _ in range(random.randint(0, 3)))
    return "{" + ",".join(pairs) + "}"
