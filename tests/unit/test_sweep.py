"""What a test run that was killed leaves behind, and the next one ends."""

import os
import shutil
import subprocess
from pathlib import Path

from tests.servers.process import sweep


def test_what_runs_of_others_need_is_left_alone(tmp_path: Path) -> None:
    """Erlang's epmd is started by one run's node and has the names of all: without it they cannot be spoken to."""
    sleep = shutil.which("sleep")
    assert sleep is not None
    epmd = shutil.copy(sleep, tmp_path / "epmd")
    gone = os.environ | {"BRIDGE_TESTS_OWNER": "1.0"}  # no process has this start
    leftover, shared = (subprocess.Popen([program, "600"], env=gone) for program in (sleep, epmd))
    try:
        found = sweep()
        assert f"process {leftover.pid}" in found
        assert leftover.wait(10) == -9
        assert f"process {shared.pid}" not in found
        assert shared.poll() is None
    finally:
        for one in (leftover, shared):
            one.kill()
            one.wait()
