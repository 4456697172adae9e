"""bridge.sources.amqp.depth"""

import re
from collections.abc import Mapping, Sequence

import pytest

from bridge.sources.amqp.depth import ASK_SECONDS, TYPICAL_BYTES, Depth
from bridge.telemetry import Counters
from bridge.testing import FakeClock
from tests.running import run, until

NEAR = "queue nearly full: above its cap the broker drops the oldest events"
OVER = "queue no longer nearly full"


def told(
    capsys: pytest.CaptureFixture[str],
    arguments: Mapping[str, object],
    looks: Sequence[int | None],
    *,
    mean_bytes: float = 0.0,
) -> list[str]:
    """What is logged when the broker answers so, one look after the other: near or over, and the messages."""
    clock, counters, asked = FakeClock(), Counters(), list(looks)

    async def ask() -> int | None:
        return asked.pop(0)

    async def check() -> None:
        depth = Depth(arguments, shown="amqp://h", counters=counters, clock=clock)
        async with depth.watched(ask, lambda: mean_bytes):
            for left in range(len(looks) - 1, -1, -1):
                await clock.until_sleeping()
                clock.turn(ASK_SECONDS)
                await until(lambda left=left: len(asked) == left)  # type: ignore[misc]
            await clock.until_sleeping()
            assert counters.queue_messages == looks[-1]
        assert counters.queue_messages is None

    run(check())
    lines = re.findall(r"event='([^']+)'.*queue_messages=(\d+)", capsys.readouterr().err)
    return [f"{event} {messages}" for event, messages in lines]


def test_passing_the_mark_is_told_once_and_so_is_falling_below(capsys: pytest.CaptureFixture[str]) -> None:
    """However long it stays above; near the mark it does not tell both in turn."""
    looks = [0, 79, 80, 100, 79, 81, 76, 74, 10, 90]

    assert told(capsys, {"x-max-length": 100}, looks) == [f"{NEAR} 80", f"{OVER} 74", f"{NEAR} 90"]


def test_the_cap_in_bytes_is_held_against_the_mean_size(capsys: pytest.CaptureFixture[str]) -> None:
    """Of what was delivered: the broker tells no bytes."""
    assert told(capsys, {"x-max-length-bytes": 1000}, [15, 16], mean_bytes=50) == [f"{NEAR} 16"]


def test_before_the_first_delivery_messages_are_of_typical_size(capsys: pytest.CaptureFixture[str]) -> None:
    """A bridge that starts while its sink is down reads nothing, and the queue fills all the same."""
    cap = 1000 * TYPICAL_BYTES
    assert told(capsys, {"x-max-length-bytes": cap}, [799, 800]) == [f"{NEAR} 800"]


@pytest.mark.parametrize("arguments", [{}, {"x-max-length": "many"}, {"x-max-length": 0}])
def test_what_is_not_known_is_not_warned_of(
    arguments: Mapping[str, object], capsys: pytest.CaptureFixture[str]
) -> None:
    """No cap, an argument that is no number."""
    assert told(capsys, arguments, [10**9]) == []


def test_the_nearer_cap_counts(capsys: pytest.CaptureFixture[str]) -> None:
    """The broker drops at whichever comes first."""
    assert told(capsys, {"x-max-length": 10**6, "x-max-length-bytes": 1000}, [90], mean_bytes=10) == [f"{NEAR} 90"]


def test_no_answer_is_no_news(capsys: pytest.CaptureFixture[str]) -> None:
    """The depth is unknown then, and what was told stands."""
    assert told(capsys, {"x-max-length": 10}, [9, None, 9, None]) == [f"{NEAR} 9"]
