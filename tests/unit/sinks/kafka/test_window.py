"""Unit tests of bridge.sinks.kafka.window."""

import asyncio

import pytest

from bridge.errors import ConnectError, FencedError, SinkError
from bridge.sinks.kafka.window import SENDS, Window
from tests.running import run


def test_sends_are_confirmed_in_order() -> None:
    """A send whose records are all written waits for those before it."""

    async def check() -> None:
        window = Window()
        first, second, third = [await window.open() for _ in range(3)]
        first.pieces = second.pieces = 1
        window.settle()
        second.pieces = 0
        window.settle()
        assert [send.confirmation.done() for send in (first, second, third)] == [False, False, False]
        first.pieces = 0
        window.settle()
        assert [send.confirmation.done() for send in (first, second, third)] == [True, True, True]
        assert len(window) == 0

    run(check())


def test_so_many_sends_and_no_more() -> None:
    """The next one waits for a confirmation."""

    async def check() -> None:
        window = Window()
        sends = [await window.open() for _ in range(SENDS)]
        for send in sends:
            send.pieces = 1
        waiting = asyncio.create_task(window.open())
        await asyncio.wait({waiting}, timeout=0.05)
        assert not waiting.done()
        sends[0].pieces = 0
        window.settle()
        await waiting
        assert len(window) == SENDS

    run(check())


def test_failed_window_fails_everybody_with_the_first_reason() -> None:
    """Pending confirmations, who waits for room, and who comes later."""

    async def check() -> None:
        window = Window()
        sends = [await window.open() for _ in range(SENDS)]
        for send in sends:
            send.pieces = 1
        waiting = asyncio.create_task(window.open())
        await asyncio.sleep(0)
        window.fail("first")
        window.fail("second")
        for pending in (sends[0].confirmation, sends[-1].confirmation, waiting, window.open()):
            with pytest.raises(SinkError, match="first"):
                await pending

    run(check())


def test_confirmation_that_was_cancelled_disturbs_nobody() -> None:
    """Whoever awaits one may be cancelled, and so the future."""

    async def check() -> None:
        window = Window()
        first, second = await window.open(), await window.open()
        first.pieces = 1
        first.confirmation.cancel()
        first.pieces = 0
        window.settle()
        assert second.confirmation.done()
        window.fail("later")

    run(check())


def test_window_may_be_wider() -> None:
    """And says when it is full."""

    async def check() -> None:
        window = Window(SENDS + 1)
        for _ in range(SENDS):
            (await window.open()).pieces = 1
        assert not window.full
        (await window.open()).pieces = 1
        assert window.full

    run(check())


def test_error_of_its_own_kind_is_told_to_everybody_anew() -> None:
    """Each waiter raises an exception of its own; what is no SinkError becomes one."""

    async def check() -> None:
        window = Window()
        sends = [await window.open() for _ in range(2)]
        window.fail(FencedError("another bridge"))
        errors = [send.confirmation.exception() for send in sends]
        assert [type(error) for error in errors] == [FencedError, FencedError]
        assert errors[0] is not errors[1]
        other = Window()
        other.fail(ConnectError("gone"))
        with pytest.raises(SinkError, match="gone"):
            await other.open()

    run(check())


def test_forgotten_sends_are_cancelled() -> None:
    """Nobody waits for them any more, and there is room again."""

    async def check() -> None:
        window = Window(1)
        send = await window.open()
        send.pieces = 1
        window.forget()
        assert send.confirmation.cancelled()
        assert (len(window), window.full) == (0, False)

    run(check())
