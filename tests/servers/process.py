"""Server processes of tests: tied to the test run, stopped or killed on demand, swept up when a run was killed."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

# In the environment of every process we start: "<pid>.<start time>" of the test run that owns it. A process whose
# owner is gone is a leftover; the start time tells a pid that was given again.
_OWNER = "BRIDGE_TESTS_OWNER"
_FOLDER_PREFIX = "bridge-tests-"
# Erlang's register of nodes, of all on this machine: the first node starts it, and nodes of other runs are in it.
_SHARED = "epmd\n"
_CLEAN_STOP_SECONDS = 20.0


class ServerProcess:
    """
    One process in a session of its own. It dies with the thread that started it (PR_SET_PDEATHSIG), so start servers
    from the main thread; what it starts itself is only ended by `stop` and `kill`, which signal the whole session.

    Args:
        command: program and arguments.
        log: file that stdout and stderr are appended to.
        environment: replaces ours when given.
        cwd: where it runs.
        user: name or number of the user it runs as, with that user's groups; only root may ask for another.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        log: Path,
        environment: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        user: str | int | None = None,
    ) -> None:
        self.command = list(command)
        self.log = log
        self.environment = dict(os.environ if environment is None else environment)
        self.cwd = cwd
        self.user = user
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Its process id while it runs."""
        return self._process.pid if self.running and self._process else None

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """
        Start it; returns when the program is running, not when it serves (see `wait_until`).

        Raises:
            RuntimeError: it runs already.
            OSError: there is no such program.
        """
        if self.running:
            raise RuntimeError(f"{self.command[0]} runs already")
        identity = (
            () if self.user is None else (f"--reuid={self.user}", f"--regid={_group(self.user)}", "--init-groups")
        )
        # setpriv, not preexec_fn: that one may hang in a program with threads, and Python 3.12 warns of it.
        tied = ["setpriv", *identity, "--pdeathsig=KILL", "--", *self.command]
        environment = {**self.environment, _OWNER: _me()}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                tied,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                cwd=self.cwd,
                start_new_session=True,
            )

    def wait_until(self, ready: Callable[[], bool], *, within: float = 60) -> None:
        """
        Poll `ready` until it says yes.

        Raises:
            RuntimeError: the process ended, or the time is up; holds the end of its log.
        """
        deadline = time.monotonic() + within
        while not ready():
            if not self.running or time.monotonic() > deadline:
                end = self.log.read_text(errors="replace")[-4000:]
                raise RuntimeError(f"{self.command[0]} {'is not ready' if self.running else 'ended'}:\n{end}")
            time.sleep(0.02)

    def freeze(self) -> None:
        """SIGSTOP to all of it: connections stay open and nobody answers, as behind a network that drops packets."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT, after `freeze`."""
        self._signal(signal.SIGCONT)

    def stop(self, timeout: float = _CLEAN_STOP_SECONDS) -> None:
        """A clean end by SIGTERM; killed when it takes longer than `timeout` seconds. Safe when it does not run."""
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.terminate()
                self._process.send_signal(signal.SIGCONT)
                self._process.wait(timeout)
        self.kill()

    def kill(self) -> None:
        """kill -9 to it and all it started, at once. Safe when it does not run."""
        if self._process is not None:
            self._signal(signal.SIGKILL)
            self._process.wait(10)
            self._process = None

    def _signal(self, number: int) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)


def folder(name: str) -> Path:
    """A new directory for a server's data, removed by the next test run when this one cannot."""
    return Path(tempfile.mkdtemp(prefix=f"{_FOLDER_PREFIX}{_me()}-{name}-"))


def sweep() -> list[str]:
    """End the processes and remove the directories of test runs that are gone. Returns what was found."""
    found: list[str] = []
    for status in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError, ProcessLookupError):
            owner = _owner_in(status.read_bytes())
            if owner and not _alive(owner) and (status.parent / "comm").read_text() != _SHARED:
                os.kill(int(status.parent.name), signal.SIGKILL)
                found.append(f"process {status.parent.name}")
    for path in Path(tempfile.gettempdir()).glob(f"{_FOLDER_PREFIX}*"):
        owner = path.name.removeprefix(_FOLDER_PREFIX).split("-")[0]
        if not _alive(owner):
            shutil.rmtree(path, ignore_errors=True)
            found.append(str(path))
    return found


def _group(user: str | int) -> int:
    import pwd

    return (pwd.getpwuid(user) if isinstance(user, int) else pwd.getpwnam(user)).pw_gid


def _me() -> str:
    return f"{os.getpid()}.{_started(os.getpid())}"


def _owner_in(environment: bytes) -> str:
    for entry in environment.split(b"\0"):
        if entry.startswith(_OWNER.encode() + b"="):
            return entry.partition(b"=")[2].decode(errors="replace")
    return ""


def _alive(owner: str) -> bool:
    pid, _, started = owner.partition(".")
    return pid.isdigit() and _started(int(pid)) == started


def _started(pid: int) -> str:
    """When the process started, in ticks since boot (field 22 of proc(5)'s stat); empty when there is none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    return text.rpartition(")")[2].split()[19]
