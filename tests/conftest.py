"""What holds for every test: nothing leaks, the environment is empty of ours, logs go to stderr."""

import os
import signal
import sys
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import HealthCheck, settings

from tests.compiled import stale
from tests.leaks import nothing_left
from tests.running import run as run_coroutine

# A shell that starts the tests in the background has SIGINT ignored, and so would every process that they start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# No test is a stopwatch: on two busy cores an example may take ten times as long as alone.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


def pytest_configure(config: pytest.Config) -> None:
    """What is tested is what the sources say."""
    if not config.pluginmanager.has_plugin("tests.plain") and (changed := stale()):
        pytest.exit(f"changed after they were compiled: {', '.join(changed)}; `make compiled` or `make plain`", 4)


pytest_plugins = ["tests.servers.fixtures"]


@pytest.fixture(autouse=True)
def no_leaks(request: pytest.FixtureRequest) -> Iterator[None]:
    """
    Fails a test that leaves asyncio tasks, threads or child processes behind.

    `@pytest.mark.servers("kafka")` names session fixtures that are to be set up before: what they start is no leak.
    """
    for marker in request.node.iter_markers("servers"):
        for fixture in marker.args:
            request.getfixturevalue(fixture)
    with nothing_left():
        yield


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the developer's shell sets for the bridge or its colours does not reach a test."""
    for name in list(os.environ):
        ours = name.startswith("CELERY_BRIDGE_") and not name.startswith("CELERY_BRIDGE_TEST_")
        if ours or name in {"CELERY_BROKER_URL", "NO_COLOR", "FORCE_COLOR"}:
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def logs_to_stderr() -> Iterator[None]:
    """stdout is data: structlog prints to stderr, whichever object that is when the line is written."""
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, structlog.processors.add_log_level, _render],
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )
    yield
    structlog.reset_defaults()
    for name, module in list(sys.modules.items()):
        if name.startswith("bridge."):  # a command that was run here has its loggers remember how it configured them
            vars(getattr(module, "log", module)).pop("bind", None)


_render = structlog.processors.KeyValueRenderer(key_order=["level", "event"])


@pytest.fixture
def run() -> object:
    """`tests.running.run`, for tests that need nothing else of it."""
    return run_coroutine
