"""bridge.cli.logs: one renderer for every log line of the process."""

import io
import json
import logging
import warnings
from collections.abc import Iterator

import pytest
import structlog

from bridge.cli.logs import PINNED, configure
from bridge.config import Config


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name in PINNED:
        logging.getLogger(name).setLevel(logging.NOTSET)
    logging.captureWarnings(False)
    logging.raiseExceptions = True


def test_lines_are_json_when_nobody_looks() -> None:
    """Without a terminal a line is one JSON object with phrase, level, UTC time and fields."""
    stream = io.StringIO()
    configure(Config(), stream)

    structlog.get_logger().info("chain started", cluster="prod", odd=object)

    line = json.loads(stream.getvalue())
    assert (line["event"], line["level"], line["cluster"]) == ("chain started", "info", "prod")
    assert line["timestamp"].endswith("Z")


def test_the_standard_library_goes_the_same_way() -> None:
    """A library's line has the same form, and its logger's name."""
    stream = io.StringIO()
    configure(Config(), stream)

    logging.getLogger("aiokafka.conn").warning("closed %s", "x")

    line = json.loads(stream.getvalue())
    assert (line["event"], line["level"], line["logger"]) == ("closed x", "warning", "aiokafka.conn")


def test_warnings_are_log_lines() -> None:
    """What a library warns of is no stray text on stderr."""
    stream = io.StringIO()
    configure(Config(), stream)

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(True)
        warnings.warn("old", stacklevel=1)
        logging.captureWarnings(False)

    assert "UserWarning: old" in json.loads(stream.getvalue())["event"]


def test_lines_are_readable_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal a line is text with colours, without them under NO_COLOR."""
    colored, plain = Terminal(), Terminal()
    configure(Config(), colored)
    structlog.get_logger().info("chain started", cluster="prod")
    monkeypatch.setenv("NO_COLOR", "1")
    configure(Config(), plain)
    structlog.get_logger().info("chain started", cluster="prod")

    assert "\x1b[" in colored.getvalue()
    assert "\x1b[" not in plain.getvalue()
    assert "chain started" in plain.getvalue()
    assert "cluster=prod" in plain.getvalue()


def test_the_format_can_be_asked_for() -> None:
    """--log-format overrides what the stream is; a console off a terminal has no colours."""
    forced, console = Terminal(), io.StringIO()
    configure(Config(log_format="json"), forced)
    structlog.get_logger().info("x")
    configure(Config(log_format="console"), console)
    structlog.get_logger().info("x")

    assert json.loads(forced.getvalue())["event"] == "x"
    assert not console.getvalue().startswith("{")
    assert "\x1b[" not in console.getvalue()


def test_the_level_holds_for_both() -> None:
    """Below --log-level nothing is written, whoever logs."""
    stream = io.StringIO()
    configure(Config(log_level="warning"), stream)

    structlog.get_logger().info("x")
    logging.getLogger("anybody").info("x")
    assert stream.getvalue() == ""
    structlog.get_logger().warning("y")
    logging.getLogger("anybody").warning("y")

    assert len(stream.getvalue().splitlines()) == 2


@pytest.mark.parametrize("name", ["aiokafka.conn", "kombu.transport", "amqp", "redis", "celery.worker"])
def test_libraries_never_log_payloads(name: str) -> None:
    """At debug level their lines hold records and passwords: they stay at INFO."""
    stream = io.StringIO()
    configure(Config(log_level="debug"), stream)

    logging.getLogger(name).debug("SASL bytes")
    logging.getLogger(name).info("connected")

    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == ["connected"]


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_tracebacks_show_no_local_variables(log_format: str) -> None:
    """Locals hold payloads and passwords."""
    stream = io.StringIO()
    configure(Config(log_format=log_format), stream)

    structlog.get_logger().error("failed", exc_info=raised(password="".join(["s3", "cret"])))

    assert "ValueError: no number" in stream.getvalue()
    assert "s3cret" not in stream.getvalue()


def raised(*, password: str) -> Exception:
    """An error with a traceback through a frame that holds a password."""
    try:
        raise ValueError("no number")
    except ValueError as error:
        return error if password else ValueError()


def test_a_closed_stderr_stops_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """A log line that cannot be written is lost, without noise."""
    stream = io.StringIO()
    configure(Config(), stream)
    stream.close()

    structlog.get_logger().info("x")

    assert capsys.readouterr().err == ""
