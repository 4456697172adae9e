"""Keeps aiokafka's own log lines safe and few."""

import logging
import time
from collections.abc import Callable

EVERY_SECONDS = 60.0
# Distinct messages remembered. Their texts name nodes and topics, so a cluster has some dozens.
_REMEMBERED = 512

_LIBRARIES = ("aiokafka", "kafka")


class Thinned(logging.Filter):
    """Lets each distinct message through once per `EVERY_SECONDS`, and says how many like it were kept back."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._monotonic = monotonic
        self._seen: dict[tuple[str, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record may pass; rewrites its message when others like it did not."""
        text = record.getMessage()
        now = self._monotonic()
        key = (record.name, text)
        since, kept_back = self._seen.get(key, (float("-inf"), 0))
        if now - since < EVERY_SECONDS:
            self._seen[key] = (since, kept_back + 1)
            return False
        if len(self._seen) >= _REMEMBERED:
            self._seen.clear()
        self._seen[key] = (now, 0)
        if kept_back:
            record.msg, record.args = f"{text} ({kept_back} more like it kept back)", ()
        return True


def quiet_library_logs() -> None:
    """
    Pin aiokafka's loggers to INFO or above, and thin their floods. Safe to call again.

    At DEBUG aiokafka 0.14 prints records and the bytes of the SASL exchange, passwords included; while a broker is down
    it logs 40 lines a second. A filter holds for the logger it is set on, not for those below it: it is set on each.
    """
    for name in _LIBRARIES:
        library = logging.getLogger(name)
        library.setLevel(max(logging.INFO, library.getEffectiveLevel()))
    for name in sorted(logging.root.manager.loggerDict):
        logger = logging.getLogger(name)
        if name.partition(".")[0] not in _LIBRARIES:
            continue
        if logger.level != logging.NOTSET:  # each time: somebody may have lowered it since
            logger.setLevel(max(logging.INFO, logger.level))
        if not any(isinstance(one, Thinned) for one in logger.filters):
            logger.addFilter(Thinned())
