"""bridge/warm/replay.py: what lies before our position is folded in, in the time there is, and not delivered."""

from collections.abc import AsyncGenerator, Sequence

import pytest
from structlog.testing import capture_logs

from bridge.errors import SourceError
from bridge.filter import Filter, Patterns
from bridge.model import Context, Delivery, Event
from bridge.state import ClusterState
from bridge.testing import FakeClock
from bridge.warm.replay import MOST_MESSAGES, MOST_SECONDS, Replay
from tests.running import run
from tests.unit.making import delivery, pipeline, received


class Past:
    """A scripted past: batches of deliveries, then perhaps an error. Each batch takes some time to come."""

    def __init__(
        self, clock: FakeClock, *batches: Sequence[Delivery], seconds: float = 0, error: Exception | None = None
    ) -> None:
        self._clock, self._batches, self._seconds, self._error = clock, batches, seconds, error
        self.asked: list[object] = []
        self.handed = 0
        self.closed = False

    async def before(
        self, position: bytes | None, messages: int, seconds: float
    ) -> AsyncGenerator[tuple[Sequence[Delivery], int]]:
        self.asked.append((position, messages, seconds))
        left = sum(map(len, self._batches))
        try:
            for batch in self._batches:
                left -= len(batch)
                self._clock.turn(self._seconds)
                self.handed += 1
                yield batch, left
            if self._error is not None:
                raise self._error
        finally:
            self.closed = True


def task(uuid: str) -> Delivery:
    return delivery(received(1795178793.25, uuid))


def known(state: ClusterState) -> set[str]:
    return {one.uuid for one in state.tasks()}


def test_the_past_is_folded() -> None:
    """Lists too, what is broken is passed over, and no start of it counts as received by this process."""
    clock, state = FakeClock(), ClusterState()
    begun = {**received(1795178793.25, "u2"), "type": "task-started"}
    past = Past(clock, [task("u1"), Delivery(b"{")], [delivery(received(1795178793.25, "u2"), begun)])

    assert run(Replay(past, pipeline(on_invalid="drop"), clock).fold(state, b"here"))

    assert known(state) == {"u1", "u2"}
    assert state.starts == 0
    assert past.asked == [(b"here", MOST_MESSAGES, MOST_SECONDS)]
    assert past.closed


def test_more_than_one_send_is_folded() -> None:
    """A pipeline takes 2,000 records of a read at a time."""
    clock, state = FakeClock(), ClusterState()
    lists = [delivery(*(received(1795178793.25, f"u{number}-{n}") for n in range(24))) for number in range(200)]

    assert run(Replay(Past(clock, lists), pipeline(max_tasks=10_000), clock).fold(state, None))

    assert len(state) == 4800


def test_it_ends_when_the_time_is_up() -> None:
    """However much there is: a bridge that is killed again and again gets to its events."""
    clock, state = FakeClock(), ClusterState()
    past = Past(clock, *([task(f"u{number}")] for number in range(1000)), seconds=MOST_SECONDS / 4)

    assert run(Replay(past, pipeline(), clock).fold(state, None))

    assert past.handed <= 6
    assert past.closed
    assert known(state) == {"u0", "u1", "u2", "u3"}


class Slow(Filter):
    """Takes 0.1 s for each event."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(Patterns(), Patterns(), Patterns())
        self.passes_all = False
        self._clock = clock

    def __call__(self, event: Event, context: Context) -> bool:
        self._clock.turn(0.1)
        return True


def test_what_does_not_fit_is_left_out_oldest_first() -> None:
    """With 0.1 s for each of 100 messages, 16 of the last ones fit into 2 s with a margin: those are folded."""
    clock, state = FakeClock(), ClusterState()
    silent = pipeline(passes=Slow(clock))
    past = Past(clock, *([task(f"u{number}")] for number in range(100)))

    assert run(Replay(past, silent, clock).fold(state, None))

    assert past.handed == 100
    last = {f"u{number}" for number in range(86, 100)}
    assert known(state) >= last
    assert len(known(state)) <= 20


@pytest.mark.parametrize(
    "error", [SourceError("another stream"), ConnectionResetError(), TimeoutError(), KeyError("k")]
)
def test_what_fails_is_said_and_costs_no_event(error: Exception) -> None:
    """The caller is told to throw the state away, and the chain starts without one."""
    clock = FakeClock()
    past = Past(clock, [task("u1")], error=error)
    with capture_logs() as logs:
        assert not run(Replay(past, pipeline(), clock).fold(ClusterState(), None))
    assert [line["event"] for line in logs] == ["stream not replayed"]
    assert past.closed
