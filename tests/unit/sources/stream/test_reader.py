"""bridge/sources/stream/reader.py."""

import asyncio
from typing import Any

from bridge.errors import ConfigError, ConnectError, CredentialsError
from bridge.model import Gap
from bridge.sources.stream.dial import places_of
from bridge.sources.stream.intake import Intake
from bridge.sources.stream.messages import position_of
from bridge.sources.stream.place import Place
from bridge.sources.stream.reader import Reader
from bridge.testing import FakeClock
from tests.running import run, until


class ScriptedLink:
    """Notes what is asked of it."""

    def __init__(
        self,
        intake: Intake,
        *,
        stored: int | None = None,
        noted: int | None = None,
        refuse: Exception | None = None,
    ) -> None:
        self._intake, self._stored, self._noted, self._refuse = intake, stored, noted, refuse
        self.notes: list[int] = []
        self.lost: asyncio.Future[Exception] = asyncio.get_running_loop().create_future()
        self.heard_at = 5.0
        self.places: list[Place] = []
        self.closed: list[bool] = []

    async def stored(self) -> int | None:
        return self._stored

    async def noted(self) -> int | None:
        return self.notes[-1] if self.notes else self._noted

    async def note(self, value: int) -> None:
        if self.lost.done():
            raise self.lost.result()
        if self._refuse is not None:
            raise self._refuse
        self.notes.append(value)

    async def subscribe(self) -> None:
        if self._refuse is not None:
            raise self._refuse
        self.places.append(self._intake.place())

    def proceed(self, *, store: bool = False) -> None:
        pass

    async def close(self, *, polite: bool) -> None:
        self.closed.append(polite)


class Reading:
    """A reader on links of a script: what `Dial.open` gives or raises, in order."""

    def __init__(self, *, fail_fast: bool = False, forced: Place | None = None) -> None:
        self.clock = FakeClock()
        self.intake = Intake(100, 10_000, self.clock, changed=lambda: None)
        self.script: list[tuple[ScriptedLink, bool] | Exception] = []
        self.reader = Reader(
            places_of("amqp://a"),
            self,  # type: ignore[arg-type]  # all that is asked of a Dial is `open`
            self.intake,
            shown="amqp://a",
            forced=forced,
            fail_fast=fail_fast,
            clock=self.clock,
            changed=lambda: None,
        )

    def link(self, *, existed: bool = True, **given: Any) -> ScriptedLink:
        link = ScriptedLink(self.intake, **given)
        self.script.append((link, existed))
        return link

    async def open(self, *_: object) -> tuple[ScriptedLink, bool]:
        while not self.script:  # noqa: ASYNC110 - a test appends to it
            await asyncio.sleep(0)
        step = self.script.pop(0)
        if isinstance(step, Exception):
            raise step
        return step

    async def close(self, running: asyncio.Task[None]) -> None:
        self.reader.close()
        self.script.append(ConnectError("the end"))
        await running


def test_reading_begins_where_it_should() -> None:
    """Where it is forced to, else at the position given, else where the broker remembers, else at the oldest."""

    async def check(forced: Place | None, position: bytes | None, stored: int | None) -> tuple[Place, bool]:
        reading = Reading(forced=forced)
        link = reading.link(stored=stored)
        running = asyncio.create_task(reading.reader.run())
        await until(lambda: reading.reader.connected)
        assert link.places == []
        reading.reader.start(position, tracked=position is None)
        await until(lambda: bool(link.places))
        await reading.close(running)
        assert link.closed == [True]
        return link.places[0], reading.intake.tracked

    assert run(check(None, None, None)) == (Place("oldest"), True)
    assert run(check(None, None, 41)) == (Place("offset", 41), True)
    assert run(check(None, position_of(7), 41)) == (Place("offset", 6), False)
    assert run(check(Place("next"), position_of(7), 41)) == (Place("next"), False)


def test_a_position_of_a_stream_that_we_just_made_is_of_another() -> None:
    """Whatever it holds by now: a Gap since that position was reached, and all of it."""

    async def check() -> None:
        reading = Reading()
        link = reading.link(existed=False)
        since = reading.clock.now() - 500
        reading.reader.start(position_of(7, since), tracked=False)
        running = asyncio.create_task(reading.reader.run())
        await until(lambda: bool(link.places))
        assert link.places == [Place("oldest")]
        (gap,) = reading.intake.held.take()
        assert isinstance(gap, Gap)
        assert (gap.reason, gap.from_time) == ("stream-replaced", since)
        await reading.close(running)

    run(check())


def test_a_position_of_a_replica_that_read_before_us_is_of_the_stream_that_we_made() -> None:
    """Who waited for its turn may have made the stream; the other one got to the position in it."""

    async def check() -> None:
        reading = Reading()
        link = reading.link(existed=False)
        running = asyncio.create_task(reading.reader.run())
        await until(lambda: reading.reader.connected)
        reading.reader.follow()
        reading.reader.start(position_of(7), tracked=False)
        await until(lambda: bool(link.places))
        assert link.places == [Place("offset", 6)]
        await reading.close(running)

    run(check())


def test_a_lost_connection_is_made_again() -> None:
    """After a delay; a queue that was deleted meanwhile is one Gap and is read from its beginning."""

    async def check() -> None:
        reading = Reading()
        first = reading.link()
        reading.reader.start(position_of(7), tracked=False)
        running = asyncio.create_task(reading.reader.run())
        await until(lambda: bool(first.places))
        reading.script += [ConnectError("still away"), CredentialsError("rotated")]
        second = reading.link()
        third = reading.link(existed=False)
        first.lost.set_result(ConnectionResetError("gone"))
        for _ in range(3):
            await reading.clock.until_sleeping()
            reading.clock.turn(10)
        await until(lambda: bool(second.places))
        second.lost.set_result(ConnectionResetError("gone"))
        await reading.clock.until_sleeping()
        reading.clock.turn(10)
        await until(lambda: bool(third.places))
        assert (first.closed, second.places, third.places) == ([False], [Place("offset", 6)], [Place("oldest")])
        (gap,) = reading.intake.held.take()
        assert isinstance(gap, Gap)
        assert gap.reason == "queue-deleted"
        await reading.close(running)

    run(check())


def test_what_no_waiting_mends_ends_it() -> None:
    """Other arguments always; with fail-fast a server that is away, and one that lets us read nothing."""

    async def check(error: Exception, *, fail_fast: bool, subscribing: bool = False) -> Exception | None:
        reading = Reading(fail_fast=fail_fast)
        if subscribing:
            reading.link(refuse=error)
        else:
            reading.script.append(error)
        reading.reader.start(None, tracked=True)
        await reading.reader.run()
        assert reading.reader.ended
        return reading.reader.failure

    for error, fail_fast in ((ConfigError("other arguments"), False), (ConnectError("away"), True)):
        assert run(check(error, fail_fast=fail_fast)) is error
    refused = CredentialsError("no right")
    assert run(check(refused, fail_fast=True, subscribing=True)) is refused


def test_a_fault_of_ours_is_an_error_of_the_source() -> None:
    """Nobody waits for ever for a task that died."""

    async def check() -> None:
        reading = Reading()
        reading.script.append(ZeroDivisionError("bug"))
        await reading.reader.run()
        assert "ZeroDivisionError" in str(reading.reader.failure)

    run(check())


def test_stopping_ends_the_waiting() -> None:
    """Also in the middle of a delay."""

    async def check() -> None:
        reading = Reading()
        reading.script.append(ConnectError("away"))
        running = asyncio.create_task(reading.reader.run())
        await reading.clock.until_sleeping()
        reading.reader.stop()
        reading.reader.proceed()
        await running
        assert reading.reader.failure is None

    run(check())


def test_a_start_is_counted_once_over_whatever_connections() -> None:
    """One that is lost, or refused, may have noted it; the next one notes the same."""

    async def check() -> None:
        reading = Reading()
        first = reading.link(noted=2 << 56)
        running = asyncio.create_task(reading.reader.run())
        await until(lambda: reading.reader.connected)
        await reading.reader.note(1)
        assert first.notes == [3 << 56]
        first.lost.set_result(ConnectionResetError("gone"))
        noting = asyncio.create_task(reading.reader.note(-1))
        refusing, last = reading.link(refuse=ConnectError("no")), reading.link()
        for _ in range(2):
            await reading.clock.until_sleeping()
            reading.clock.turn(10)
        await noting
        assert (first.notes, refusing.notes, last.notes) == ([3 << 56], [], [2 << 56])
        assert reading.intake.starts.before == 1
        await reading.close(running)

    run(check())


def test_a_start_that_nobody_waits_for_is_taken_back() -> None:
    """It was stopped meanwhile, and is alive."""

    async def check() -> None:
        reading = Reading()
        noting = asyncio.create_task(reading.reader.note(1))
        await asyncio.sleep(0)
        noting.cancel()
        await asyncio.gather(noting, return_exceptions=True)
        link = reading.link()
        running = asyncio.create_task(reading.reader.run())
        await until(lambda: bool(link.notes))
        assert link.notes == [0]
        await reading.close(running)

    run(check())


def test_a_start_is_not_waited_for_when_nobody_connects_any_more() -> None:
    """Neither by whoever waits nor by the next."""

    async def check() -> None:
        reading = Reading()
        reading.script.append(ConnectError("away"))
        running = asyncio.create_task(reading.reader.run())
        noting = asyncio.create_task(reading.reader.note(1))
        await reading.clock.until_sleeping()
        reading.reader.stop()
        await noting
        await running
        await reading.reader.note(-1)

    run(check())
