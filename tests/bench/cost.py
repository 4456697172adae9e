"""What a process used, and on what machine."""

import os
import platform
import time
from pathlib import Path

_SCHED = 2  # CPUCLOCK_SCHED of the kernel's posix-timers: run time of a whole process in ns, ended threads included


def cpu_seconds(pid: int) -> float:
    """
    User and system time of a process since it began, to the nanosecond, where /proc/<pid>/stat has ticks of 10 ms.

    Raises:
        OSError: there is no such process.
    """
    return time.clock_gettime((~pid << 3) | _SCHED)  # as clock_getcpuclockid(3) makes it


def peak_rss_mib(pid: int) -> float:
    """The largest resident set of a process so far (VmHWM of proc(5))."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (kib,) = (line.split()[1] for line in lines if line.startswith("VmHWM:"))
    return int(kib) / 1024


def machine() -> str:
    """Processor, cores, memory and kernel in one line."""
    cpuinfo = Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.partition(":")[2].strip() for line in cpuinfo if line.startswith("model name")]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    model = models[0] if models else platform.machine()
    return f"{model}, {len(os.sched_getaffinity(0))} cores, {memory:.0f} GiB, Linux {platform.release()}"


def load_average() -> str:
    """Of the last 1, 5 and 15 minutes: what else ran on the machine."""
    return " ".join(f"{value:.2f}" for value in os.getloadavg())


def rss_mib(pid: int) -> float:
    """The resident set of a process now (proc(5), statm)."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1024**2
