"""
Publishes numbered events in a process of its own, and writes down what became of each.

    python -m tests.torture.publisher URL FILE EVENTS RATE [FIRST]

ends when EVENTS of them are accepted, or at SIGTERM after the block it is in; the first has the number FIRST. A number
is sent once and never again: what an outage left unconfirmed may have arrived or not, the next number is another one.
The file has a line `+ NUMBER SHA256` for each event that the broker confirmed and routed, `- NUMBER` for each that it
did not.
"""

import contextlib
import hashlib
import signal
import sys
import time
from pathlib import Path
from typing import IO, Any

from tests.ledger import Publisher, numbered

LIST_LENGTH = 10
_BLOCK = 200
"""Events between two waits for the broker's confirmation; a multiple of what the tasks of a block share."""
_EVENTS_OF_A_TASK = 5
_RETRY_SECONDS = 0.05
_BEHIND_SECONDS = 0.5
"""What is not caught up: after an outage the rate is the rate again, and no flood."""


def event(number: int) -> bytes:
    """One of the five events of its task; those of other tasks stand between them, in other messages."""
    block, place = divmod(number, _BLOCK)
    return numbered(number, f"task-{block}-{place % (_BLOCK // _EVENTS_OF_A_TASK)}")


def message_of(number: int) -> tuple[int, int]:
    """What is the same for two events that are sent in one message."""
    list_, place = divmod(number, LIST_LENGTH)
    return (list_, 0) if list_ % 2 else (list_, place)


def main(url: str, file: str, events: str, rate: str, begin: str = "0") -> None:
    """Go on over every outage until so many are accepted, at most `rate` a second."""
    accepted, first, due = 0, int(begin), time.monotonic()
    ending: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: ending.append(number))
    with Path(file).open("w", buffering=1 << 16) as book:
        while accepted < int(events) and not ending:
            with contextlib.suppress(Exception), Publisher(url) as publisher:  # kombu raises anything on outages
                returned = noting_returns(publisher)
                while accepted < int(events) and not ending:
                    numbers, first = range(first, first + _BLOCK), first + _BLOCK
                    time.sleep(max(0.0, due - time.monotonic()))
                    due = max(due + _BLOCK / int(rate), time.monotonic() - _BEHIND_SECONDS)
                    accepted += block(publisher, numbers, returned, book)
            time.sleep(_RETRY_SECONDS)


def noting_returns(publisher: Publisher) -> list[object]:
    """A list that grows by what the broker could route to no queue: it confirms that too."""
    returned: list[object] = []
    channel: Any = publisher._producer.channel
    channel.events["basic_return"].add(lambda *reason: returned.append(reason))
    return returned


def block(publisher: Publisher, numbers: range, returned: list[object], book: IO[str]) -> int:
    """Send them, half of them in lists, and write down what became of them; returns how many were accepted."""
    hashes: list[str] = []
    returned.clear()
    try:
        for first in numbers[::LIST_LENGTH]:
            bodies = [event(number) for number in range(first, first + LIST_LENGTH)]
            hashes += [hashlib.sha256(body).hexdigest() for body in bodies]
            messages = [b"[" + b", ".join(bodies) + b"]"] if first // LIST_LENGTH % 2 else bodies
            for message in messages:
                publisher.send(message, mandatory=True)
        publisher.confirm()
    finally:
        sure = len(hashes) == len(numbers) and not publisher._waiting and not returned
        marks = zip(numbers, hashes, strict=False) if sure else ((number, "") for number in numbers)
        book.writelines(f"+ {number} {told}\n" if sure else f"- {number}\n" for number, told in marks)
        book.flush()
    return len(numbers) if sure else 0


if __name__ == "__main__":
    main(*sys.argv[1:])
