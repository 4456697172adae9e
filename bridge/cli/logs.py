"""Logging of the process: structlog and the standard library through one renderer, on stderr. stdout is data."""

import logging
import os
import sys
from typing import IO

import structlog

from bridge.config import Config

PINNED = ("aiokafka", "amqp", "celery", "kafka", "kombu", "redis")
"""Libraries whose debug lines print records, payloads or SASL bytes: never below INFO, whatever the user asks for."""


def configure(config: Config, stream: IO[str] | None = None) -> None:
    """
    Route every log line of the process to `stream`, as `--log-level` and `--log-format` say.

    JSON lines unless the stream is a terminal (or as asked); colours on a terminal only, never with NO_COLOR
    (https://no-color.org). Tracebacks never show local variables: they hold payloads and passwords.

    Args:
        config: log_level, log_format.
        stream: stderr by default.
    """
    stream = stream if stream is not None else sys.stderr
    level = logging.getLevelNamesMapping()[config.log_level.upper()]
    terminal = stream is not None and stream.isatty()
    as_json = config.log_format == "json" or (config.log_format == "auto" and not terminal)
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter(as_json, colors=terminal and not os.environ.get("NO_COLOR")))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in PINNED:
        logging.getLogger(name).setLevel(max(level, logging.INFO))
    logging.captureWarnings(True)
    # A closed stderr must not end in a traceback per line.
    logging.raiseExceptions = False
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            *_common(as_json),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


def formatter(as_json: bool, *, colors: bool) -> logging.Formatter:
    """What turns a record of either origin into one line (on a console a traceback takes more)."""
    render: structlog.typing.Processor
    if as_json:
        render = structlog.processors.JSONRenderer(default=str, ensure_ascii=False)
    else:
        render = structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=structlog.dev.plain_traceback)
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.ExtraAdder(allow=()), structlog.stdlib.add_logger_name, *_common(as_json)],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
    )


def _common(as_json: bool) -> list[structlog.typing.Processor]:
    """What is added to a line of either origin: level, UTC time, and in JSON the traceback as one string."""
    processors: list[structlog.typing.Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    return [*processors, structlog.processors.format_exc_info] if as_json else processors
