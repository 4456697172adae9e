"""bridge/sources/stream/link.py."""

import struct
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import pytest
import structlog

from bridge.errors import ConnectError, CredentialsError
from bridge.model import Delivery, Gap
from bridge.sources.amqp.address import addresses
from bridge.sources.stream import commands
from bridge.sources.stream.commands import Key
from bridge.sources.stream.intake import Intake
from bridge.sources.stream.link import StreamLink
from bridge.sources.stream.login import open_connection
from bridge.sources.stream.place import Place
from bridge.testing import FakeClock
from tests.running import run, until
from tests.unit.sources.stream.streaming import Peer, deliver, numbered

ADDRESS = addresses("amqp://127.0.0.1")[0]


@asynccontextmanager
async def linked(peer: Peer, *, begin: int = 0, prefetch: int = 100) -> AsyncIterator[tuple[StreamLink, Intake]]:
    clock = FakeClock()
    intake = Intake(prefetch, 10_000_000, clock, changed=lambda: None)
    intake.begin(Place("offset", begin))
    link = StreamLink(await open_connection(ADDRESS, peer.port, "name", clock), "s", "g", intake)
    try:
        yield link, intake
    finally:
        await link.close(polite=True)


def held(intake: Intake) -> list[Delivery | Gap]:
    return intake.held.take()


def test_messages_come_and_credit_is_given() -> None:
    """One chunk is asked for at first; those that come allow for more."""

    async def check() -> None:
        async with Peer() as peer, linked(peer) as (link, intake):
            await link.subscribe()
            peer.push(deliver(numbered(0, 3)))
            await until(lambda: Key.CREDIT in peer.seen())
            assert [item.body for item in held(intake) if isinstance(item, Delivery)] == [b"0", b"1", b"2"]
            received = dict(peer.received)
            assert received[Key.SUBSCRIBE][4:] == commands.subscribe(1, "s", struct.pack(">HQ", 4, 0), 1)
            assert received[Key.CREDIT] == b"\1\0\2"

    run(check())


def test_a_full_window_waits_for_what_is_settled() -> None:
    """No credit before, some at once after."""

    async def check() -> None:
        async with Peer() as peer, linked(peer, prefetch=3) as (link, intake):
            await link.subscribe()
            peer.push(deliver(numbered(0, 3)))
            await until(lambda: intake.window.items == 3)
            assert Key.CREDIT not in peer.seen()
            intake.settle([item for item in held(intake) if isinstance(item, Delivery)])
            link.proceed()
            await until(lambda: Key.CREDIT in peer.seen())

    run(check())


def test_positions_are_stored_for_the_group() -> None:
    """As the offset of the last message that is settled, at the latest when the link is closed, if at all."""

    async def check(tracked: bool) -> list[bytes]:
        async with Peer() as peer:
            async with linked(peer) as (link, intake):
                intake.tracked = tracked
                await link.subscribe()
                peer.push(deliver(numbered(0, 3)))
                await until(lambda: intake.window.items == 3)
                intake.settle([item for item in held(intake) if isinstance(item, Delivery)][:2])
                link.proceed()
            await until(lambda: Key.CLOSE in peer.seen())
            return [payload for key, payload in peer.received if key == Key.STORE_OFFSET]

    assert run(check(True)) == [b"\0\1g\0\1s" + struct.pack(">Q", 1)]
    assert run(check(False)) == []


async def noted(peer: Peer, link: StreamLink, intake: Intake) -> int:
    """A start, noted as the third; returns what was."""
    two = 2 << 56
    intake.starts.add(1)
    intake.starts.found(0, two)
    due = intake.starts.due
    assert due is not None
    peer.answers[Key.QUERY_OFFSET] = struct.pack(">HQ", 1, due)
    await link.note(due)
    intake.starts.noted(due)
    assert await link.noted() == due
    return due


def stores(peer: Peer) -> list[tuple[bytes, int]]:
    """Reference and offset of what was stored."""
    found = [payload for key, payload in peer.received if key == Key.STORE_OFFSET]
    return [(payload[2:-11], struct.unpack(">Q", payload[-8:])[0]) for payload in found]


def test_a_start_is_noted_beside_the_position_until_something_is_settled() -> None:
    """Then both are told at once: first that it counts no longer."""

    async def check() -> None:
        async with Peer() as peer, linked(peer) as (link, intake):
            intake.tracked = True
            due = await noted(peer, link, intake)
            await link.subscribe()
            peer.push(deliver(numbered(0, 3)))
            await until(lambda: intake.window.items == 3)
            taken = [item for item in held(intake) if isinstance(item, Delivery)]
            for one in taken:
                intake.settle([one])
                link.proceed()
            await until(lambda: len(stores(peer)) == 3)
            assert stores(peer) == [(b"g.starts", due), (b"g.starts", 0), (b"g", 0)]
            assert intake.tracking.explains(3)

    run(check())


def test_a_start_that_is_taken_back_is_noted_before_the_farewell() -> None:
    """Even when nobody waits for it any more."""

    async def check() -> None:
        async with Peer() as peer:
            async with linked(peer) as (link, intake):
                due = await noted(peer, link, intake)
                intake.starts.add(-1)
            await until(lambda: Key.CLOSE in peer.seen())
            assert stores(peer) == [(b"g.starts", due), (b"g.starts", 2 << 56)]

    run(check())


def test_a_start_that_the_server_does_not_remember_is_not_counted() -> None:
    """It says so, and reads all the same."""

    async def check() -> None:
        with structlog.testing.capture_logs() as logs:
            async with Peer() as peer, linked(peer) as (link, _):
                await link.note(7)
        assert [line["log_level"] for line in logs] == ["warning"]

    run(check())


@pytest.mark.parametrize(
    ("answer", "expected"), [(struct.pack(">HQ", 1, 41), 41), (struct.pack(">HQ", commands.NO_OFFSET, 0), None)]
)
def test_the_stored_position_is_read(answer: bytes, expected: int | None) -> None:
    """None when there is none."""

    async def check() -> None:
        async with Peer({Key.QUERY_OFFSET: answer}) as peer, linked(peer) as (link, _):
            assert await link.stored() == expected

    run(check())


@pytest.mark.parametrize(
    ("answers", "error"),
    [({Key.SUBSCRIBE: b"\0\x10"}, CredentialsError), ({Key.SUBSCRIBE: b"\0\2"}, ConnectError)],
)
def test_a_refusal_names_the_right(answers: Mapping[int, bytes], error: type[Exception]) -> None:
    """A missing right is a CredentialsError, a missing stream passes."""

    async def check() -> None:
        async with Peer(answers) as peer, linked(peer) as (link, _):
            with pytest.raises(error, match=r"queue s|stream s"):
                await link.subscribe()

    run(check())


def test_a_stream_that_is_not_there_yet_is_waited_for() -> None:
    """A server that just started does not know it at once."""
    missing = struct.pack(">II", 0, 1) + commands.text("s") + struct.pack(">HHI", 2, 0, 0)

    async def check(answers: Mapping[int, bytes]) -> None:
        async with Peer(answers) as peer, linked(peer) as (link, _):
            await link.look()

    run(check({}))
    with pytest.raises(ConnectError, match="does not exist"):
        run(check({Key.METADATA: missing}))


def test_the_oldest_message_is_found_out() -> None:
    """By the first chunk of a second subscription, which is given up then; the gap stands before what waited."""

    async def check() -> None:
        async with Peer() as peer, linked(peer, begin=5) as (link, intake):
            await link.subscribe()
            peer.push(deliver(numbered(20, 21)))
            await until(lambda: peer.seen().count(Key.SUBSCRIBE) == 2)
            peer.push(deliver(numbered(20, 21), subscription=2))
            await until(lambda: Key.UNSUBSCRIBE in peer.seen())
            gap, delivery = held(intake)
            assert isinstance(gap, Gap)
            assert isinstance(delivery, Delivery)
            assert peer.received[-1][1][-1:] in (b"\2", b"\2")

    run(check())


def test_a_stream_of_another_kind_loses_the_connection() -> None:
    """What the intake does not take ends it, and says why."""

    async def check() -> None:
        async with Peer() as peer, linked(peer, begin=50) as (link, _):
            await link.subscribe()
            peer.push(deliver(numbered(3, 4)))
            assert "made it anew" in str(await link.lost)

    run(check())
