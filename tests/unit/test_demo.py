"""The shop behind `celery-bridge demo`. What the command shows is claimed in tests/e2e/test_demo.py."""

import asyncio
import json
import logging
import signal
from pathlib import Path

import pytest

from bridge import demo
from bridge.config import Config, SinkEnd
from bridge.errors import ConfigError, SourceError
from tests.running import run, until


def to_file(path: Path) -> Config:
    """A demo that writes to a file, so that the test's stdout stays its own."""
    return Config(command="demo", to=SinkEnd(kind="file", path=str(path)))


def types_in(path: Path) -> list[str]:
    """The types of the records in a file, in order."""
    return [json.loads(line)["type"] for line in path.read_text().splitlines()]


@pytest.mark.parametrize("variable", ["CELERY_BROKER_URL", "CELERY_BROKER_READ_URL", "CELERY_BROKER_WRITE_URL"])
def test_shop_stays_in_the_process(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Celery would follow these variables to somebody's real broker; the demo's application does not."""
    monkeypatch.setenv(variable, "amqp://broker.example.com//")
    shop = demo.open_shop()
    for connect in (shop.connection, shop.connection_for_read, shop.connection_for_write):
        assert connect().transport_cls == "memory"


def test_shop_keeps_its_results(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor to somebody's result backend."""
    monkeypatch.setenv("CELERY_RESULT_BACKEND", "redis://results.example.com/0")
    assert demo.open_shop().backend.as_uri() == "memory:///"


def test_shop_loads_nothing_of_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a loader nor Django's settings that the shell names are imported."""
    monkeypatch.setenv("CELERY_LOADER", "nowhere.to.be:Found")
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "nowhere.to.be.found")
    assert "shop.charge_card" in demo.open_shop().tasks


def test_a_signal_before_the_first_order_is_no_loss_of_manners(tmp_path: Path) -> None:
    """A demo that is stopped at once still ends with worker-offline, or before it began with nothing at all."""
    path = tmp_path / "records.jsonl"

    async def main() -> int:
        running = asyncio.create_task(demo.run(to_file(path), forever=True))
        await until(lambda: path.exists() and "worker-online" in path.read_text())
        signal.raise_signal(signal.SIGTERM)
        return await running

    assert run(main(), seconds=20) == 0
    types = types_in(path)
    assert types[0] == "worker-online"
    assert types[-1] == "worker-offline"


def test_leaves_the_process_as_it_was(tmp_path: Path) -> None:
    """Signal handlers and Celery's log levels are what they were before."""
    before = logging.getLogger("celery").level, signal.getsignal(signal.SIGTERM)

    async def main() -> None:
        running = asyncio.create_task(demo.run(to_file(tmp_path / "records.jsonl"), forever=True))
        await until(lambda: logging.getLogger("celery").level == logging.ERROR)
        signal.raise_signal(signal.SIGTERM)
        await running

    run(main(), seconds=20)
    assert (logging.getLogger("celery").level, signal.getsignal(signal.SIGTERM)) == before


def test_a_chain_that_cannot_start_is_the_reason_that_is_told(tmp_path: Path) -> None:
    """An output that cannot be opened ends the demo with that error, and the shop never opens."""
    with pytest.raises(ConfigError, match="absent"):
        run(demo.run(to_file(tmp_path / "absent" / "records.jsonl")))


def test_a_worker_that_ends_by_itself_is_an_error() -> None:
    """Orders are not given to a worker that is gone: the demo says so instead of waiting for ever."""
    staff = demo.Staff(demo.open_shop())

    async def main() -> None:
        await staff.begin()
        staff.shop.control.shutdown()
        await until(lambda: not staff.working)
        with pytest.raises(SourceError, match="ended by itself"):
            await staff.order(1)
        await staff.finish()

    run(main(), seconds=20)


def test_finish_waits_for_every_task() -> None:
    """The worker is stopped when no task is queued, waiting for its time, being retried or running."""
    staff = demo.Staff(demo.open_shop())

    async def main() -> None:
        await staff.begin()
        await staff.order(1)
        assert staff.unfinished() > 0
        await staff.finish()

    run(main(), seconds=20)
    assert staff.unfinished() == 0
    assert not staff.working
