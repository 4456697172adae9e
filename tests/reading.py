"""Reads a source in a test: everything until a condition holds, with a deadline."""

import asyncio
from collections.abc import Callable
from typing import Any

import orjson

from bridge.model import Delivery, Gap
from bridge.sources import Source

OpenSource = Callable[..., Any]
"""Makes a source, not entered, from its URL and options. Any: several classes, one contract."""

Items = list[Delivery | Gap]

DEADLINE_SECONDS = 40.0


async def read_until(source: Source, holds: Callable[[Items], bool], *, seconds: float = DEADLINE_SECONDS) -> Items:
    """
    Read and settle until `holds` says yes of everything read so far; returns it.

    Raises:
        AssertionError: it did not within `seconds`; shows what was read.
    """
    items: Items = []
    try:
        async with asyncio.timeout(seconds):
            while not holds(items):
                read = await source.read()
                items += read
                source.settle([item for item in read if isinstance(item, Delivery)])
    except TimeoutError:
        raise AssertionError(f"only {len(items)} items in {seconds} s, the last of them {items[-3:]}") from None
    return items


async def read_bodies(source: Source, count: int) -> list[bytes]:
    """Read and settle `count` deliveries or a few more; their bodies."""
    return bodies(await read_until(source, lambda items: len(bodies(items)) >= count))


def bodies(items: Items) -> list[bytes]:
    """Of the deliveries among them."""
    return [item.body for item in items if isinstance(item, Delivery)]


def gaps(items: Items) -> list[Gap]:
    """The gaps among them."""
    return [item for item in items if isinstance(item, Gap)]


def types(items: Items) -> set[str]:
    """The types of all events in them, those of batches included."""
    found: set[str] = set()
    for body in bodies(items):
        parsed = orjson.loads(body)
        found |= {event["type"] for event in (parsed if isinstance(parsed, list) else [parsed])}
    return found
