"""bridge.sources.kombu.outage"""

from structlog.testing import capture_logs

from bridge.model import Gap
from bridge.sources.kombu.outage import Outage
from bridge.testing import FakeClock


def test_the_first_connection_has_no_gap() -> None:
    """Nothing can be lost before anything was there; a restart makes none either."""
    outage = Outage("amqp://h", FakeClock())
    outage.attempt_failed(OSError("refused"))
    assert outage.end("disconnected", 5.0) is None


def test_one_gap_per_outage() -> None:
    """From the last word of the lost connection to the confirmation of the new one, however many attempts."""
    outage = Outage("amqp://h", FakeClock())
    outage.begin(OSError("reset"), 10.0)
    for _ in range(3):
        outage.attempt_failed(OSError("refused"))
    assert outage.end("disconnected", 15.0) == Gap("disconnected", 10.0, 15.0)
    assert outage.end("disconnected", 16.0) is None


def test_no_gap_where_nothing_was_lost() -> None:
    """A durable queue kept everything."""
    outage = Outage("amqp://h", FakeClock())
    outage.begin(OSError("reset"), 10.0)
    assert outage.end(None, 15.0) is None


def test_a_trouble_is_logged_when_it_changes_and_every_minute() -> None:
    """Ten attempts a second for an hour are not ten lines a second."""
    clock = FakeClock()
    outage = Outage("amqp://h", clock)
    with capture_logs() as logs:
        for _ in range(100):
            outage.attempt_failed(OSError("refused"))
        outage.attempt_failed(OSError("wrong password"))
        clock.turn(61)
        outage.attempt_failed(OSError("wrong password"))
    assert [log["reason"] for log in logs] == ["refused", "wrong password", "wrong password"]


def test_an_unexpected_error_is_logged_with_its_traceback() -> None:
    """A bug of a transport is survived, but not hidden."""
    outage = Outage("amqp://h", FakeClock())
    with capture_logs() as logs:
        outage.begin(AttributeError("'NoneType' has no attribute 'x'"), 1.0)
        outage.end(None, 2.0)
        outage.begin(ConnectionResetError("reset"), 3.0)
    assert [bool(log.get("exc_info")) for log in logs if log["log_level"] == "warning"] == [False, True, False]
