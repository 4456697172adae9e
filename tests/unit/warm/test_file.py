"""bridge/warm/file.py: a state in a file, and what becomes of one that is broken."""

import asyncio
import stat
from pathlib import Path
from typing import Any

import orjson
import pytest
from structlog.testing import capture_logs

from bridge.state import ClusterState, task_row, worker_row
from bridge.testing import FakeClock
from bridge.warm.file import StateFile
from tests.running import run
from tests.unit.state.celery_answer import event, our_state, received, sent


def file(folder: Path, **other: Any) -> StateFile:
    """Of the chain `prod`, group `g`."""
    chain = {"cluster": "prod", "group": "g", "clock": FakeClock()} | other
    return StateFile(folder / "prod.g.jsonl", **chain)


def busy(tasks: int = 3, **bounds: int) -> ClusterState:
    """A state with so many tasks, the first of them over, and a worker."""
    trace = [received(float(number), f"u{number}") for number in range(1, tasks + 1)]
    return our_state([sent(0.5, "u1"), *trace, event("task-succeeded", 9.0, uuid="u1", runtime=1.0)], **bounds)


def rows(state: ClusterState) -> tuple[list[Any], list[Any]]:
    return [task_row(task) for task in state.tasks()], [worker_row(worker) for worker in state.workers.values()]


def loaded(folder: Path, **bounds: int) -> ClusterState:
    state = ClusterState(**bounds)
    run(file(folder).load(state))
    return state


def saved(folder: Path, state: ClusterState) -> list[bytes]:
    """The lines of its file."""
    assert run(file(folder).save(state))
    return (folder / "prod.g.jsonl").read_bytes().splitlines(keepends=True)


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    """All tasks and workers, in the order in which they are forgotten; more rows than are written at a time."""
    state = busy(2000)
    saved(tmp_path, state)
    again = loaded(tmp_path)

    assert rows(again) == rows(state)
    assert len(again) == 2000


def test_others_cannot_read_it(tmp_path: Path) -> None:
    """It holds arguments of tasks; and nothing else is left in the folder."""
    saved(tmp_path, busy())
    (path,) = tmp_path.iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_was_left_by_one_that_was_killed_goes_away(tmp_path: Path) -> None:
    """Else a bridge that is killed again and again would fill the disk."""
    (tmp_path / "prod.g.jsonl.abc.tmp").write_text("half")
    (tmp_path / "other.g.jsonl.abc.tmp").write_text("another chain's")
    loaded(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["other.g.jsonl.abc.tmp"]


def test_no_more_is_loaded_than_may_be_held(tmp_path: Path) -> None:
    """Tasks that run are kept before those that ended, the newest first."""
    saved(tmp_path, busy(5))
    assert [task.uuid for task in loaded(tmp_path, max_tasks=2).tasks()] == ["u5", "u4"]


def test_loading_is_bounded_in_time(tmp_path: Path) -> None:
    """What was read by then is kept: the newest."""

    class Slow(FakeClock):
        def monotonic(self) -> float:
            self.turn(0.9)
            return super().monotonic()

    saved(tmp_path, busy(5000))
    state = ClusterState()
    run(file(tmp_path, clock=Slow()).load(state))
    assert 0 < len(state) < 5000
    assert state.tasks()[0].uuid == "u5000"


def test_without_a_file_the_state_is_empty(tmp_path: Path) -> None:
    """That is the first start, and nothing to speak of."""
    with capture_logs() as logs:
        assert len(loaded(tmp_path)) == 0
    assert logs == []


def _header(**fields: object) -> bytes:
    right = {"format": "celery-bridge-state", "version": 1, "cluster": "prod", "group": "g"}
    return orjson.dumps(right | fields) + b"\n"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not JSON"),
        (b"\x80\x04N.", "not JSON"),  # a pickle
        (b"[]\n", "no object"),
        (b'{"type": "task-sent"}\n', "its format is 'None'"),
        (_header(version=2), "its version is '2', not 1"),
        (_header(cluster="test"), "its cluster is 'test', not 'prod'"),
        (_header(group="x"), "its group is 'x', not 'g'"),
        (_header(), "no end"),
        (_header() + b'{"task": {"uuid": "u1"}}\n{"lines": 1}\n', "a task without state"),
        (_header() + b'{"worker": 1}\n{"lines": 1}\n', "a worker of it is no object"),
        (_header() + b'{"lines": 1}\n', "missing, or there twice"),
        (_header() + b'{"secret\n', "not JSON"),
    ],
)
def test_what_is_broken_or_foreign_is_ignored(tmp_path: Path, content: bytes, reason: str) -> None:
    """With a warning that repeats nothing of it; the state stays empty."""
    (tmp_path / "prod.g.jsonl").write_bytes(content)
    with capture_logs() as logs:
        state = loaded(tmp_path)
    (warning,) = logs
    assert (warning["log_level"], warning["event"]) == ("warning", "state file ignored")
    assert reason in warning["reason"]
    assert "secret" not in str(warning)
    assert rows(state) == ([], [])


def test_a_file_cut_anywhere_is_ignored(tmp_path: Path) -> None:
    """As a machine that loses power may leave it: never half of it."""
    lines = saved(tmp_path, busy())
    whole = b"".join(lines)
    for end in range(0, len(whole) - 1, 7):
        (tmp_path / "prod.g.jsonl").write_bytes(whole[:end])
        with capture_logs() as logs:
            assert rows(loaded(tmp_path)) == ([], [])
        assert len(logs) == 1


def test_a_folder_in_its_place_is_said(tmp_path: Path) -> None:
    """At the start and at each saving; neither is an error."""
    (tmp_path / "prod.g.jsonl").mkdir()
    with capture_logs() as logs:
        assert len(loaded(tmp_path)) == 0
        assert not run(file(tmp_path).save(busy()))
    assert [line["event"] for line in logs] == ["state file ignored", "state not saved"]
    assert [path.name for path in tmp_path.iterdir()] == ["prod.g.jsonl"]


def test_a_state_that_cannot_be_written_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    """It is said, and the last good one stays."""
    lines = saved(tmp_path, busy())
    bad = busy()
    bad.tasks()[0].known["args"] = object()
    with capture_logs() as logs:
        assert not run(file(tmp_path).save(bad))
    assert [line["event"] for line in logs] == ["state not saved"]
    assert (tmp_path / "prod.g.jsonl").read_bytes() == b"".join(lines)
    assert len(list(tmp_path.iterdir())) == 1


def test_the_state_may_change_while_it_is_saved(tmp_path: Path) -> None:
    """Tasks come and go between two slices: the file is whole all the same."""

    async def scenario() -> None:
        state = busy(2000, max_tasks=2000)
        saving = asyncio.create_task(file(tmp_path).save(state))
        number = 10_000
        while not saving.done():
            number += 1
            state.fold_task("started", event("task-started", 20.0, uuid=f"n{number}"), f"{number:036d}", "t", 20.0)
            await asyncio.sleep(0)
        assert await saving

    run(scenario())
    assert len(loaded(tmp_path)) == 2000


def test_a_saving_that_is_cancelled_leaves_nothing(tmp_path: Path) -> None:
    """The end by force: the file of before stays, and no other."""
    lines = saved(tmp_path, busy())

    async def scenario() -> None:
        saving = asyncio.create_task(file(tmp_path).save(busy(2000)))
        await asyncio.sleep(0)
        saving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await saving

    run(scenario())
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"".join(lines)]


@pytest.mark.parametrize(("written", "read"), [(1795178793.25, 1795178793.25), (7, 7.0), (None, None), ("x", None)])
def test_the_moment_of_the_last_settling_is_kept(tmp_path: Path, written: object, read: float | None) -> None:
    """It comes with the state; what is no moment is none, and costs the state nothing."""
    first = file(tmp_path)
    first.whole_until = written  # type: ignore[assignment]
    assert run(first.save(busy()))
    again, state = file(tmp_path), ClusterState()
    assert run(again.load(state))
    assert again.whole_until == read
    assert len(state) == 3
