"""Unit tests of bridge.sinks.kafka.keeper."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiokafka.errors import InvalidTimestampError, LeaderNotAvailableError, UnknownError

from bridge.clients.backoff import BASE_SECONDS
from bridge.errors import BlockedError, ConnectError, FencedError, SinkError
from bridge.sinks.kafka.keeper import BLOCKED_SECONDS, DOUBT_SECONDS, Keeper
from bridge.sinks.kafka.outage import Outage
from bridge.sinks.kafka.window import Window
from bridge.telemetry import Status
from bridge.testing import FakeClock
from tests.running import run, until

Up = Callable[[], None]


class Attempts:
    """Ends each attempt in turn as told, after it was up; the last one goes on."""

    def __init__(self, *ends: BaseException, progressed: bool = False) -> None:
        self.clock = FakeClock()
        self.window = Window()
        self.outage = Outage("scripted", self.clock)
        self.made = 0
        self._ends = list(ends)
        self._progressed = progressed

    async def __call__(self, up: Up) -> tuple[BaseException, bool]:
        self.made += 1
        end = self._ends.pop(0) if self._ends else None
        if isinstance(end, ConnectError):
            raise end
        up()
        if isinstance(end, SinkError):
            raise end
        if end is not None:
            return end, self._progressed
        await asyncio.Event().wait()
        raise AssertionError

    @asynccontextmanager
    async def kept(self, *, fail_fast: bool = False) -> AsyncIterator[Keeper]:
        keeper = Keeper(self, self.window, self.outage, self.clock, fail_fast=fail_fast)
        try:
            yield keeper
        finally:
            await keeper.close()


def check(attempts: Attempts, claim: Callable[[Keeper], Awaitable[None]], *, fail_fast: bool = False) -> None:
    """Run a claim while a keeper keeps."""

    async def main() -> None:
        async with attempts.kept(fail_fast=fail_fast) as keeper:
            await claim(keeper)

    run(main())


def test_understood_refusal_is_followed_by_the_next_attempt_at_once() -> None:
    """It will be different."""
    attempts = Attempts(InvalidTimestampError(), InvalidTimestampError())

    async def claim(keeper: Keeper) -> None:
        await until(lambda: attempts.made == 3)
        assert attempts.clock.slept == ()
        assert attempts.outage.status is Status.OK

    check(attempts, claim)


def test_broken_connection_waits_for_its_backoff() -> None:
    """And is FAILING meanwhile."""
    attempts = Attempts(LeaderNotAvailableError())

    async def claim(keeper: Keeper) -> None:
        await keeper.ready()
        await attempts.clock.until_sleeping()
        assert attempts.outage.status is Status.FAILING
        attempts.clock.turn(1)
        await until(lambda: attempts.made == 2)

    check(attempts, claim)


@pytest.mark.parametrize("progressed", [False, True])
def test_record_that_may_be_to_blame_is_doubted_for_a_while(*, progressed: bool) -> None:
    """Alone, it is tried again a little later; while fewer and fewer are suspected, nearly at once."""
    attempts = Attempts(*[UnknownError()] * 4, progressed=progressed)

    async def claim(keeper: Keeper) -> None:
        for made in range(1, 5):
            await attempts.clock.until_sleeping()
            assert attempts.made == made
            attempts.clock.turn(DOUBT_SECONDS)
            await until(lambda made=made: attempts.made > made)  # type: ignore[misc]
        doubted = [pause == DOUBT_SECONDS for pause in attempts.clock.slept]
        assert doubted == [not progressed] * 4
        assert progressed is (max(attempts.clock.slept) <= BASE_SECONDS)

    check(attempts, claim)


def test_blocked_topic_is_tried_every_half_minute(capsys: pytest.CaptureFixture[str]) -> None:
    """Said once, not an end."""
    attempts = Attempts(*[BlockedError("the topic takes no records")] * 3)

    async def claim(keeper: Keeper) -> None:
        for made in (1, 2, 3):
            await attempts.clock.until_sleeping()
            assert attempts.made == made
            attempts.clock.turn(BLOCKED_SECONDS)
            await until(lambda made=made: attempts.made > made)  # type: ignore[misc]
        assert attempts.clock.slept == (BLOCKED_SECONDS,) * 3

    check(attempts, claim)
    assert "the topic takes no records" in capsys.readouterr().err


def test_failure_to_connect_ends_it_only_with_fail_fast() -> None:
    """Else it is waited for."""

    async def waits(keeper: Keeper) -> None:
        await attempts.clock.until_sleeping()
        attempts.clock.turn(1)
        await keeper.ready()

    async def fails(keeper: Keeper) -> None:
        with pytest.raises(ConnectError, match="no"):
            await keeper.ready()

    attempts = Attempts(ConnectError("no"))
    check(attempts, waits)
    attempts = Attempts(ConnectError("no"))
    check(attempts, fails, fail_fast=True)


def test_end_for_good_fails_whoever_waits_with_its_own_kind() -> None:
    """A fenced bridge says so."""
    attempts = Attempts(FencedError("another bridge"))

    async def claim(keeper: Keeper) -> None:
        await keeper.ready()
        for _ in range(2):
            with pytest.raises(FencedError, match="another bridge"):
                await attempts.window.open()

    check(attempts, claim)


def test_closed_keeper_confirms_nothing_more() -> None:
    """Closing twice is fine."""
    attempts = Attempts()

    async def claim(keeper: Keeper) -> None:
        await keeper.ready()
        await keeper.close()
        with pytest.raises(SinkError, match="closed before Kafka confirmed"):
            await attempts.window.open()

    check(attempts, claim)
