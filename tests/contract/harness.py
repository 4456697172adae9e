"""
What an end brings to run its contract suite: how to make it, and how to do to its server what the claims are about.

A harness lives in `tests/contract/harnesses/<name>.py`, which lists its classes in `SOURCES` and/or `SINKS`; nothing
else registers it. A claim runs for every harness that has the flags it needs. The class is made with the test's
`request` and `tmp_path`, entered before the claim and left after it, in the event loop of the claim.
"""

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Protocol, Self

import pytest

from bridge.errors import RecordError
from bridge.model import Record
from bridge.sinks import Sink
from bridge.sources import Source


class Harness(Protocol):
    """What both kinds have. Flags are read from the class."""

    name: ClassVar[str]
    """The test's id, e.g. `rabbitmq-quorum`."""
    fixtures: ClassVar[tuple[str, ...]]
    """Session fixtures (servers) that must be there before the test begins; read them by `request.getfixturevalue`."""
    seconds: ClassVar[float]
    """How long one claim may take: 10 in memory, more where a server is restarted."""
    has_server: ClassVar[bool]
    """`down` and `up` work: connecting can fail, and succeed later."""
    can_drop: ClassVar[bool]
    """`drop` works: a connection can be lost while the server goes on."""
    can_break: ClassVar[bool]
    """`break_for_good` works."""

    def __init__(self, request: pytest.FixtureRequest, tmp_path: Path) -> None: ...

    async def __aenter__(self) -> Self:
        """Make what is this test's own: a topic, a queue's name, a file. The server is up."""
        ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove it again, and leave the server up."""
        ...

    async def down(self) -> None:
        """Stop the server (needs `has_server`): who connects is refused, connections are lost, data are kept."""
        ...

    async def up(self) -> None:
        """Start it again and return when it answers."""
        ...

    async def drop(self) -> None:
        """Cut every connection of our ends (needs `can_drop`); new ones can be made at once."""
        ...

    async def break_for_good(self) -> None:
        """
        Make it hopeless (needs `can_break`).

        For a source: one that connects from now on raises a PermanentError from connecting or from `read`, such as a
        queue that was declared with other arguments. For a sink that is open: what is sent from now on can never be
        written, such as a pipe whose reader is gone; either await raises SinkError.
        """
        ...


class SourceHarness(Harness, Protocol):
    """For `tests/contract/test_sources.py`."""

    remembers: ClassVar[bool]
    """What was not settled comes again, marked redelivered, after a lost connection and to the next source."""
    ends: ClassVar[bool]
    """`read` raises EndOfStream by itself after the last item, as a file does."""
    seeks: ClassVar[bool]
    """Deliveries have positions, and `start(position)` goes on after the delivery that had it."""
    keeps_place: ClassVar[bool]
    """
    A lost connection repeats nothing and loses nothing: the source goes on behind what it has read, and what it has
    read may be settled over any later connection. May be left out: then it is not so.
    """
    counts: ClassVar[bool]
    """Its broker keeps the position, so its sources have `begin` and `rest` as a sink has. May be left out."""

    def source(self, *, fail_fast: bool = False) -> Source:
        """A new source, not entered, on the same queue as the others of this harness, as the next process would be."""
        ...

    async def publish(self, bodies: Sequence[bytes]) -> None:
        """
        Hand over messages of content type application/json, in order, and return when the server has them.

        Called after a source was started (so that pub/sub has a subscriber), except where `remembers` is set: then also
        between two sources. Bodies are small JSON objects, or up to 6 MiB of them.
        """
        ...


class SinkHarness(Harness, Protocol):
    """For `tests/contract/test_sinks.py`."""

    can_hold: ClassVar[bool]
    """`hold` works."""
    can_refuse: ClassVar[bool]
    """`refused` works."""
    remembers: ClassVar[bool]
    """
    `resume` returns the last position that was sent and confirmed, and `begin` counts beside it; otherwise they return
    None and 0.
    """

    def sink(self, *, fail_fast: bool = False) -> Sink:
        """A new sink, not entered, on the same output; its dead letters are made by `dead_letter` below."""
        ...

    def record(self, number: int, size: int = 0) -> Record:
        """
        A record that is accepted. All of a harness have the same key, so their order is defined.

        Its value is `value(number, size)` below.
        """
        ...

    def refused(self, number: int) -> Record:
        """A record like those of `record` that the server refuses for ever (needs `can_refuse`)."""
        ...

    async def received(self) -> list[bytes]:
        """Values of what arrived so far, in order, dead letters left out. Does not change what `hold` did."""
        ...

    async def dead_letters(self) -> list[bytes]:
        """Values of the dead letters that arrived so far, in order."""
        ...

    async def hold(self) -> None:
        """
        From now on nothing of 1 MiB and more is confirmed until `release` (needs `can_hold`): the reader of the pipe
        stops reading, the broker is stopped by SIGSTOP.
        """
        ...

    async def release(self) -> None:
        """Confirm again."""
        ...


def value(number: int, size: int = 0) -> bytes:
    """One line of JSON that holds `number`, at least `size` bytes long."""
    text = b'{"number":%d,"padding":"' % number
    return text + b"x" * (size - len(text) - 2) + b'"}'


DEAD = b"dead: "


def dead_letter(record: Record, cause: RecordError) -> Record:
    """The dead letter of a record: short, recognisable, for the topic with `.dlq` behind its name."""
    assert isinstance(cause, RecordError)
    return Record(
        value=DEAD + record.value[:64],
        topic=f"{record.topic}.dlq" if record.topic else "",
        key=record.key,
        timestamp_ms=record.timestamp_ms,
        origin=record.origin,
        events=record.events,
    )
