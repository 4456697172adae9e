"""Unit tests of bridge.clients.kafka.logs."""

import logging
from collections.abc import Iterator

import pytest

from bridge.clients.kafka.logs import EVERY_SECONDS, Thinned, quiet_library_logs


@pytest.fixture
def aiokafka_loggers() -> Iterator[list[logging.Logger]]:
    """aiokafka's loggers, as they were after the test."""
    names = ["aiokafka", "aiokafka.conn", "aiokafka.client"]
    loggers = [logging.getLogger(name) for name in names]
    before = [(logger.level, list(logger.filters)) for logger in loggers]
    yield loggers
    for logger, (level, filters) in zip(loggers, before, strict=True):
        logger.setLevel(level)
        logger.filters = filters


def test_debug_of_the_root_does_not_reach_aiokafka(
    aiokafka_loggers: list[logging.Logger], caplog: pytest.LogCaptureFixture
) -> None:
    """There aiokafka prints passwords and records; INFO and above go on."""
    for logger in aiokafka_loggers:
        logger.setLevel(logging.DEBUG)
    with caplog.at_level(logging.DEBUG):
        quiet_library_logs()
        for logger in aiokafka_loggers:
            logger.debug("SaslAuthenticateRequest(sasl_auth_bytes=b'secret')")
            logger.info("fine")
    assert [record.message for record in caplog.records] == ["fine"] * len(aiokafka_loggers)


def test_debug_that_is_asked_for_later_is_pinned_by_the_next_sink(
    aiokafka_loggers: list[logging.Logger], caplog: pytest.LogCaptureFixture
) -> None:
    """A logger that is thinned already may be lowered again before a second sink opens."""
    quiet_library_logs()
    for logger in aiokafka_loggers:
        logger.setLevel(logging.DEBUG)
    with caplog.at_level(logging.DEBUG):
        quiet_library_logs()
        for logger in aiokafka_loggers:
            logger.debug("SaslAuthenticateRequest(sasl_auth_bytes=b'secret')")
    assert caplog.records == []


def test_stricter_level_of_the_user_stays(aiokafka_loggers: list[logging.Logger]) -> None:
    """Pinned to INFO at least, not to INFO."""
    aiokafka_loggers[0].setLevel(logging.ERROR)
    quiet_library_logs()
    assert aiokafka_loggers[0].level == logging.ERROR


def test_pinning_twice_adds_nothing(aiokafka_loggers: list[logging.Logger]) -> None:
    """Every sink does so when it opens."""
    quiet_library_logs()
    quiet_library_logs()
    for logger in aiokafka_loggers:
        assert len([one for one in logger.filters if isinstance(one, Thinned)]) == 1


def record(text: str, *arguments: object) -> logging.LogRecord:
    """A log record as aiokafka makes it."""
    return logging.LogRecord("aiokafka.client", logging.ERROR, "", 0, text, arguments, None)


def test_flood_of_one_message_passes_once_a_minute_with_a_count() -> None:
    """40 lines a second while a broker is down become one a minute; another message is not held back by it."""
    now = 100.0
    thinned = Thinned(lambda: now)
    assert thinned.filter(record("Unable connect to node %s", 1))
    assert not any(thinned.filter(record("Unable connect to node %s", 1)) for _ in range(2400))
    assert thinned.filter(record("Unable connect to node %s", 2))
    now += EVERY_SECONDS
    late = record("Unable connect to node %s", 1)
    assert thinned.filter(late)
    assert late.getMessage() == "Unable connect to node 1 (2400 more like it kept back)"


def test_ever_new_messages_cost_bounded_memory() -> None:
    """What is remembered is forgotten before it grows."""
    thinned = Thinned(lambda: 0.0)
    for number in range(5000):
        assert thinned.filter(record("offset %s", number))
    assert len(thinned._seen) <= 512
