"""Unit tests of bridge.sinks.kafka.outage."""

import pytest

from bridge.sinks.kafka.outage import EVERY_SECONDS, Outage, Refusals
from bridge.telemetry import Status
from bridge.testing import FakeClock


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """What was logged since the last call."""
    return capsys.readouterr().err.splitlines()


def test_outage_is_told_by_state_and_by_reason(capsys: pytest.CaptureFixture[str]) -> None:
    """A thousand attempts that fail alike are one line; another reason is another."""
    outage = Outage("h:9092/t", FakeClock())
    for _ in range(1000):
        outage.down("refuses connections")
    outage.down("topic missing", unconfirmed=4)
    outage.down("refuses connections")
    found = lines(capsys)
    assert len(found) == 2
    assert "refuses connections" in found[0]
    assert "unconfirmed_sends=4" in found[1]


def test_long_outage_is_told_again_every_minute(capsys: pytest.CaptureFixture[str]) -> None:
    """With how long it has lasted."""
    clock = FakeClock()
    outage = Outage("h:9092/t", clock)
    for _ in range(181):
        outage.down("refuses connections")
        clock.turn(1)
    found = lines(capsys)
    assert [line.split("waited_seconds=")[1].split()[0] for line in found] == ["0.0", "60.0", "120.0", "180.0"]
    assert not outage.wants_news()


def test_flapping_reasons_do_not_flood(capsys: pytest.CaptureFixture[str]) -> None:
    """A reason that names ever new things is told some times, then only every minute."""
    outage = Outage("h:9092/t", FakeClock())
    for number in range(1000):
        outage.down(f"reason {number}")
    assert len(lines(capsys)) == 16


def test_status_follows() -> None:
    """STARTING until it first worked, then OK and FAILING."""
    outage = Outage("h:9092/t", FakeClock())
    seen = [outage.status]
    outage.down("x")
    seen.append(outage.status)
    outage.up()
    seen.append(outage.status)
    outage.down("x")
    seen.append(outage.status)
    outage.up()
    seen.append(outage.status)
    assert seen == [Status.STARTING, Status.STARTING, Status.OK, Status.FAILING, Status.OK]


def test_end_of_an_outage_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    """First `kafka connected`, later `takes records again`; when nothing was wrong, nothing."""
    outage = Outage("h:9092/t", FakeClock())
    outage.up()
    outage.up()
    outage.down("x")
    outage.up()
    outage.up()
    found = lines(capsys)
    assert [("kafka connected" in line, "again" in line) for line in found] == [
        (True, False),
        (False, False),
        (False, True),
    ]


def test_refusals_are_counted_and_not_told_one_by_one(capsys: pytest.CaptureFixture[str]) -> None:
    """Ten thousand dead letters are one line, and one a minute later that counts them."""
    clock = FakeClock()
    refusals = Refusals(clock)
    for _ in range(10_000):
        refusals.add("t", "larger than 5 bytes")
    clock.turn(EVERY_SECONDS)
    refusals.add("t", "larger than 5 bytes")
    first, second = lines(capsys)
    assert "records=1" in first
    assert "records=10000" in second
