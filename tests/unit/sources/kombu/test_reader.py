"""bridge.sources.kombu.reader"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from bridge.clock import SystemClock
from bridge.errors import BridgeError, ConfigError, ConnectError, CredentialsError, SourceError
from bridge.model import Delivery, Gap
from bridge.sources.inbox import Inbox
from bridge.sources.kombu.link import Link
from bridge.sources.kombu.reader import Reader
from tests.unit.sources.kombu.scripted import ScriptedLink

_SECONDS = 10


class Running:
    """A reader on its thread, with the links it was given; what follows the last of them refuses."""

    def __init__(self, links: list[ScriptedLink], **options: object) -> None:
        self.links = links
        self.error: BridgeError | None = None
        self.ended = threading.Event()
        self.changed = threading.Event()
        self.inbox = Inbox(SystemClock())
        settings: dict[str, object] = {"prefetch": 100, "max_unsettled_bytes": 1000, "attempts": None} | options
        self.reader = Reader(
            self._link,
            self.inbox,
            shown="script://",
            clock=SystemClock(),
            changed=self.changed.set,
            ended=self._end,
            **settings,  # type: ignore[arg-type]
        )

    def _link(self, generation: int) -> ScriptedLink:
        none_left = ScriptedLink(refuse=ConnectError("no more links"))
        return self.links[generation] if generation < len(self.links) else none_left

    def _end(self, error: BridgeError | None) -> None:
        self.error = error
        self.ended.set()

    def until(self, holds: Callable[[], bool]) -> None:
        """Wait for what the thread does."""
        waited = threading.Event()
        for _ in range(_SECONDS * 1000):
            if holds():
                return
            waited.wait(0.001)
        raise AssertionError("it did not happen")

    def take(self, count: int) -> list[Delivery | Gap]:
        """That many items."""
        items: list[Delivery | Gap] = []

        def enough() -> bool:
            items.extend(self.inbox.take())
            return len(items) >= count

        self.until(enough)
        return items


@contextmanager
def running(*links: ScriptedLink, started: bool = True, **options: object) -> Iterator[Running]:
    it = Running(list(links), **options)
    it.reader.begin()
    if started:
        it.reader.start()
    try:
        yield it
    finally:
        it.reader.close()
        assert it.ended.wait(_SECONDS)


def delivery(number: int, generation: int = 0, size: int = 1) -> Delivery:
    return Delivery(b"x" * size, tag=(generation, number))


def test_it_consumes_only_once_started() -> None:
    """Connecting declares; asking for deliveries is another thing."""
    link = ScriptedLink([delivery(1)])
    with running(link, started=False) as it:
        it.until(lambda: len(link.rooms) > 3)
        assert link.calls == ["open"]
        it.reader.start()
        assert it.take(1) == [delivery(1)]
    assert link.calls[:2] == ["open", "consume"]
    assert link.calls[-1] == "close"


def test_it_acknowledges_what_is_settled() -> None:
    """Each once, however often it is told, the last of them before the farewell."""
    link = ScriptedLink([delivery(n) for n in (1, 2, 3)])
    with running(link) as it:
        first, second, third = it.take(3)
        it.reader.settle([first])  # type: ignore[list-item]
        it.reader.settle([first, second])  # type: ignore[list-item]
        it.until(lambda: len(link.settled) == 2)
        it.reader.settle([third])  # type: ignore[list-item]
    assert link.settled == [(0, 1), (0, 2), (0, 3)]


def test_it_acknowledges_what_is_settled_while_it_looks_whether_to_close() -> None:
    """Settled, then closed, both after its last look at what is settled: a clean end must repeat nothing."""
    link = ScriptedLink([delivery(1), delivery(2)])
    with running(link) as it:
        first, second = it.take(2)
        acknowledge = it.reader._acknowledge

        def then_closed(to: Link) -> None:
            acknowledge(to)
            if not link.settled:
                return
            it.reader._acknowledge = acknowledge  # type: ignore[method-assign]
            it.reader.settle([second])  # type: ignore[list-item]
            it.reader.close()

        it.reader._acknowledge = then_closed  # type: ignore[method-assign]
        it.reader.settle([first])  # type: ignore[list-item]
        assert it.ended.wait(_SECONDS)
    assert link.settled == [(0, 1), (0, 2)]


def test_what_a_lost_connection_gave_is_not_acknowledged_on_the_next() -> None:
    """AMQP's tags count from 1 again: an ack of the old 1 would settle the new 1."""
    old, new = ScriptedLink([delivery(1), ConnectionResetError("gone")]), ScriptedLink([delivery(1, 1), delivery(2, 1)])
    with running(old, new) as it:
        first, again, other = it.take(3)
        it.reader.settle([first, other])  # type: ignore[list-item]
        it.until(lambda: bool(new.settled))
    assert again == delivery(1, 1)
    assert new.settled == [(1, 2)]
    assert old.settled == []


def test_a_full_window_pauses_reading_and_settling_resumes_it() -> None:
    """The drain is told how much room there is, and is not called when there is none; the heart beats on."""
    link = ScriptedLink([delivery(n, size=600) for n in (1, 2, 3)])
    with running(link) as it:
        held = it.take(2)
        assert link.paused.wait(_SECONDS)
        assert 1000 in link.rooms
        assert 400 in link.rooms
        assert len(link.steps) == 1
        it.reader.settle(held)  # type: ignore[arg-type]
        assert it.take(1) == [delivery(3, size=600)]


def test_where_nothing_is_kept_reading_never_pauses() -> None:
    """A slow reader of pub/sub is cut off: what does not fit becomes a gap instead."""
    link = ScriptedLink([delivery(n, size=600) for n in range(30)], keeps=False)
    with running(link, prefetch=1) as it:
        it.until(lambda: not link.steps)
        kept = it.take(3)
    assert kept[:2] == [delivery(0, size=600), delivery(1, size=600)]
    assert isinstance(kept[2], Gap)
    assert (kept[2].reason, kept[2].lost) == ("overflow", 28)
    assert not link.paused.is_set()
    assert "consume" not in link.calls


@pytest.mark.parametrize("error", [ConnectionResetError("gone"), AttributeError("py-amqp"), KeyError("x")])
def test_a_lost_connection_is_made_again(error: Exception) -> None:
    """Whatever the transport raises; what it brought before is handed out, without a word to the dead broker."""
    old, new = ScriptedLink([delivery(1), error]), ScriptedLink([delivery(2, 1)])
    with running(old, new) as it:
        assert it.take(2) == [delivery(1), delivery(2, 1)]
    assert old.calls[-1] == "drop"


def test_an_outage_is_one_gap_in_its_place() -> None:
    """Between what came before and what comes after, however many attempts failed."""
    down = [ScriptedLink(refuse=ConnectError("refused")) for _ in range(3)]
    old = ScriptedLink([delivery(1), ConnectionResetError("gone")])
    new = ScriptedLink([delivery(2, 4)], reason="disconnected")
    new.heard_at = 200.0
    with running(old, *down, new) as it:
        assert it.take(3) == [delivery(1), Gap("disconnected", 100.0, 200.0), delivery(2, 4)]


def test_credentials_are_waited_for() -> None:
    """They may be rotated in."""
    with running(ScriptedLink(refuse=CredentialsError("no")), ScriptedLink([delivery(1, 1)])) as it:
        assert it.take(1) == [delivery(1, 1)]


@pytest.mark.parametrize("error", [ConnectError("refused"), CredentialsError("no")])
def test_fail_fast_raises_at_first(error: BridgeError) -> None:
    """The thread ends with it."""
    with running(ScriptedLink(refuse=error), attempts=1) as it:
        assert it.ended.wait(_SECONDS)
        assert it.error is error


def test_fail_fast_is_only_for_the_first_connection() -> None:
    """Later a server may restart."""
    old = ScriptedLink([ConnectionResetError("gone")])
    with running(old, ScriptedLink(refuse=ConnectError("x")), ScriptedLink([delivery(1, 2)]), attempts=1) as it:
        assert it.take(1) == [delivery(1, 2)]


def test_fail_fast_tries_every_address_once() -> None:
    """The second broker of `amqp://a;amqp://b` may be the one that is there."""
    down = ScriptedLink(refuse=ConnectError("refused"))
    with running(down, ScriptedLink([delivery(1, 1)]), attempts=2) as it:
        assert it.take(1) == [delivery(1, 1)]
    last = ConnectError("refused too")
    with running(down, ScriptedLink(refuse=last), attempts=2) as it:
        assert it.ended.wait(_SECONDS)
        assert it.error is last


def test_fail_fast_is_for_the_right_to_read_too() -> None:
    """A user who may declare the queue and not read it would wait for ever."""
    refused = CredentialsError("the user needs the right to read")
    with running(ScriptedLink(refuse_consume=refused), attempts=1) as it:
        assert it.ended.wait(_SECONDS)
        assert it.error is refused


def test_a_right_to_read_that_is_missing_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    """Connecting works every time: without care that is two lines per attempt, for as long as it takes to notice."""
    refused = [ScriptedLink(refuse_consume=CredentialsError("no right to read")) for _ in range(4)]
    with running(*refused, ScriptedLink([delivery(1, 4)])) as it:
        assert it.take(1) == [delivery(1, 4)]
    lines = [line for line in capsys.readouterr().err.splitlines() if "broker" in line]
    assert len(lines) <= 4, lines  # connected, lost, not reached, connected


def test_what_comes_again_anyway_is_not_handed_out_twice() -> None:
    """
    What the chain has not read when the connection is lost is forgotten: while the sink is down for hours RabbitMQ
    closes the channel every 30 minutes (consumer_timeout), and every time would add as many as `prefetch`.
    """
    old = ScriptedLink([delivery(1, size=300), delivery(2, size=300), ConnectionResetError("gone")])
    new = ScriptedLink([delivery(1, 1, size=300), delivery(2, 1, size=300)], redelivers=True)
    with running(old, new) as it:
        it.until(lambda: len(it.reader._window) == 2 and not new.steps)
        assert it.take(2) == [delivery(1, 1, size=300), delivery(2, 1, size=300)]


def test_what_a_deleted_queue_had_given_is_handed_out() -> None:
    """It is nowhere else any more."""
    old = ScriptedLink([delivery(1), ConnectionResetError("gone")])
    new = ScriptedLink([delivery(1, 1)], redelivers=True, reason="queue-deleted")
    with running(old, new) as it:
        assert it.take(3) == [delivery(1), Gap("queue-deleted", 100.0, 100.0), delivery(1, 1)]


def test_a_configuration_error_ends_it() -> None:
    """At first or later: somebody declared the queue with other arguments."""
    later = ScriptedLink([ConnectionResetError("gone")]), ScriptedLink(refuse=ConfigError("406"))
    for links in ([ScriptedLink(refuse=ConfigError("406"))], [*later]):
        with running(*links) as it:
            assert it.ended.wait(_SECONDS)
            assert isinstance(it.error, ConfigError)


def test_a_bug_ends_it_as_a_source_error() -> None:
    """A thread that dies silently would leave the reader of the source waiting for ever."""
    with running(ScriptedLink(refuse=ZeroDivisionError("bug"))) as it:
        assert it.ended.wait(_SECONDS)
        assert isinstance(it.error, SourceError)
        assert isinstance(it.error.__cause__, ZeroDivisionError)


def test_stopped_it_asks_for_no_more_and_throws_away_what_still_comes() -> None:
    """What is thrown away is not settled, so the broker keeps it; what was handed out can be settled."""
    link = ScriptedLink([delivery(1)])
    with running(link) as it:
        held = it.take(1)
        it.reader.stop()
        it.until(lambda: "cancel" in link.calls)
        link.steps.append(delivery(2))
        it.until(lambda: not link.steps)
        it.reader.settle(held)  # type: ignore[arg-type]
        it.until(lambda: bool(link.settled))
        assert it.inbox.take() == []
    assert link.settled == [(0, 1)]
    assert link.calls == ["open", "consume", "cancel", "close"]


def test_stopped_while_the_server_is_away_it_ends() -> None:
    """There is nothing to settle any more."""
    it = Running([])
    it.reader.begin()
    it.reader.stop()
    assert it.ended.wait(_SECONDS)
    assert it.error is None


def test_the_next_connection_asks_for_what_fits() -> None:
    """Bodies of 200 bytes in a window of 1,000: five, not the hundred that were asked for at first."""
    old, new = ScriptedLink([delivery(1, size=200), OSError("send_timeout")]), ScriptedLink([delivery(1, 1)])
    with running(old, new) as it:
        it.take(2)
    assert (old.prefetch, new.prefetch) == (100, 5)
