"""The bridge as its users start it: a process of its own, its signals, its output, its exit code."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

_INSTALLED = shutil.which("celery-bridge", path=str(Path(sys.executable).parent))
COMMAND = [_INSTALLED] if _INSTALLED else [sys.executable, "-m", "bridge"]
"""`celery-bridge` of this environment, or what it would run."""

_WITHIN_SECONDS = 45.0
_POLL_SECONDS = 0.02


class BridgeProcess:
    """
    One process, started at once from the main thread and tied to it: it dies when that thread does.

    stdout and stderr go to files, so that nobody has to read them for it to go on.

    Args:
        folder: where its output is kept; a number makes the names of several processes differ.
        arguments: of the command, from the subcommand on.
        environment: added to ours.
        stdout: where stdout goes instead of a file.
        command: what is started with these arguments.
        cwd: where it runs.
    """

    def __init__(
        self,
        folder: Path,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
        stdout: int | IO[bytes] | None = None,
        command: Sequence[str] = COMMAND,
        cwd: Path | None = None,
    ) -> None:
        number = len(list(folder.glob("bridge-*.err")))
        self._stdout, self._stderr = folder / f"bridge-{number}.out", folder / f"bridge-{number}.err"
        with self._stdout.open("wb") as out, self._stderr.open("wb") as err:
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig=KILL", "--", *command, *arguments],
                stdin=subprocess.DEVNULL,
                cwd=cwd,
                stdout=out if stdout is None else stdout,
                stderr=err,
                env={**os.environ, "PYTHONWARNINGS": "default", **(environment or {})},
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Its process id, also when it has ended."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    @property
    def stdout(self) -> bytes:
        """All it wrote to stdout so far."""
        return self._stdout.read_bytes()

    @property
    def stderr(self) -> str:
        """All it wrote to stderr so far."""
        return self._stderr.read_text()

    @property
    def log(self) -> list[dict[str, Any]]:
        """Its log lines so far; of what is no JSON (the last words of an error) the text, under `said`."""
        whole = self.stderr.rpartition("\n")[0]
        return [json.loads(line) if line.startswith("{") else {"said": line} for line in whole.splitlines()]

    def said(self, phrase: str) -> list[dict[str, Any]]:
        """Its log lines with this phrase."""
        return [line for line in self.log if line.get("event") == phrase]

    def alarms(self) -> list[dict[str, Any]]:
        """What it logged above the level info, or outside of its log."""
        return [line for line in self.log if line.get("level") not in {"info", "debug"}]

    def summary(self) -> dict[str, Any]:
        """The last summary line."""
        return self.said("summary")[-1]

    def wait_for(self, phrase: str, *, times: int = 1, within: float = _WITHIN_SECONDS) -> dict[str, Any]:
        """
        Wait until it has logged a phrase so often; returns the last of these lines.

        Raises:
            AssertionError: it did not, or ended before.
        """
        self.wait_until(lambda: len(self.said(phrase)) >= times, what=f"{phrase!r} {times} times", within=within)
        return self.said(phrase)[-1]

    def wait_until(self, holds: Callable[[], bool], *, what: str, within: float = _WITHIN_SECONDS) -> None:
        """
        Wait for a condition while it runs.

        Raises:
            AssertionError: the time is up, or the process ended and it still does not hold; with the end of its log.
        """
        deadline = time.monotonic() + within
        while True:
            ended = not self.running
            if holds():
                return
            assert not ended, f"waited for {what}; the bridge ended with {self._process.returncode}: {self._end()}"
            assert time.monotonic() < deadline, f"waited {within} s for {what}: {self._end()}"
            time.sleep(_POLL_SECONDS)

    def assert_running(self) -> None:
        """For those who wait for what it does elsewhere."""
        assert self.running, f"the bridge ended with {self._process.returncode}: {self._end()}"

    def signal(self, number: int) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    def terminate(self) -> None:
        """SIGTERM, as an orchestrator sends it."""
        self.signal(signal.SIGTERM)

    def kill(self) -> None:
        """kill -9, and wait until it is gone. Safe when it has ended."""
        self._process.kill()
        self._process.wait(10)

    def ended(self, within: float = _WITHIN_SECONDS) -> int:
        """
        Wait for its end; returns the exit code.

        Raises:
            AssertionError: it goes on.
        """
        try:
            return self._process.wait(within)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it did not end within {within} s: {self._end()}") from None

    def memory_bytes(self) -> int:
        """Its resident memory now (VmRSS of proc(5))."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        (line,) = [line for line in status.splitlines() if line.startswith("VmRSS:")]
        return int(line.split()[1]) * 1024

    def _end(self) -> str:
        return "\n" + self.stderr[-3000:]


StartBridge = Callable[..., BridgeProcess]
"""What the fixture `bridge` gives: BridgeProcess without its folder."""
