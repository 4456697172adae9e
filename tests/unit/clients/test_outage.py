"""bridge.clients.outage"""

import amqp.exceptions
from structlog.testing import capture_logs

from bridge.clients.outage import Outage, brief
from bridge.model import Gap
from bridge.testing import FakeClock


def test_the_first_connection_has_no_gap() -> None:
    """Nothing can be lost before anything was there; a restart makes none either."""
    outage = Outage("amqp://h", FakeClock())
    outage.attempt_failed(OSError("refused"))
    assert outage.end("disconnected", 5.0) is None


def test_one_gap_per_outage() -> None:
    """From the last word of the lost connection to the confirmation of the new one, however many attempts."""
    outage = Outage("amqp://h", FakeClock())
    outage.begin(OSError("reset"), 10.0, lived=60)
    for _ in range(3):
        outage.attempt_failed(OSError("refused"))
    assert outage.end("disconnected", 15.0) == Gap("disconnected", 10.0, 15.0)
    assert outage.end("disconnected", 16.0) is None


def test_no_gap_where_nothing_was_lost() -> None:
    """A durable queue kept everything."""
    outage = Outage("amqp://h", FakeClock())
    outage.begin(OSError("reset"), 10.0, lived=60)
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
        outage.begin(AttributeError("'NoneType' has no attribute 'x'"), 1.0, lived=60)
        outage.end(None, 2.0)
        outage.begin(ConnectionResetError("reset"), 3.0, lived=60)
    assert [bool(log.get("exc_info")) for log in logs if log["log_level"] == "warning"] == [False, True, False]


def test_a_connection_that_breaks_each_time_is_told_once_a_minute() -> None:
    """Connected and lost, over and over, some times a second: after the third time once a minute, not each time."""
    clock = FakeClock()
    outage = Outage("amqp://h", clock)
    with capture_logs() as logs:
        outage.end(None, 0.0)
        for _ in range(240):
            outage.begin(ConnectionResetError("poison"), 1.0, lived=0.2)
            outage.attempt_failed(OSError("refused"))
            outage.end(None, 2.0)
            clock.turn(0.5)
    said = [log["event"] for log in logs]
    minute = ["broker connection lost", "broker not reached, trying again", "broker connected"]
    assert said == ["broker connected", *minute * 3, *minute]


def test_a_broker_that_dies_right_after_its_return_is_told_of() -> None:
    """ "Connected" was logged: it must not be the last word while the broker is away again, however soon."""
    outage = Outage("amqp://h", FakeClock())
    with capture_logs() as logs:
        outage.end(None, 0.0)
        for lived in (0.6, 0.5):
            outage.begin(ConnectionResetError("reset"), 1.0, lived=lived)
            outage.attempt_failed(OSError("refused"))
            outage.end(None, 2.0)
    once = ["broker connection lost", "broker not reached, trying again", "broker connected"]
    assert [log["event"] for log in logs] == ["broker connected", *once, *once]


def test_every_outage_of_a_connection_that_held_is_told() -> None:
    """A broker that is restarted twice in a minute was away twice."""
    outage = Outage("amqp://h", FakeClock())
    with capture_logs() as logs:
        outage.end(None, 0.0)
        for _ in range(3):
            outage.begin(ConnectionResetError("reset"), 1.0, lived=2.0)
            outage.end(None, 2.0)
    assert [log["event"] for log in logs] == ["broker connected", *["broker connection lost", "broker connected"] * 3]


def test_a_server_whose_words_differ_every_time_is_told_of_in_bounds() -> None:
    """Sixteen kinds of trouble a minute are enough for anybody."""
    outage = Outage("amqp://h", FakeClock())
    with capture_logs() as logs:
        for number in range(100):
            outage.attempt_failed(OSError(f"no {number}"))
    assert len(logs) == 16


def test_words_are_one_line() -> None:
    """The server's reply text, else the error's own, else something a person can read."""
    assert brief(amqp.exceptions.NotFound("no\nqueue")) == "no queue"
    assert brief(TimeoutError()) == "no answer in time"
    assert brief(KeyError()) == "KeyError"
