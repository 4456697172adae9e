"""A stream that outgrows its bound while no bridge reads it: what it cuts off is what the gap says."""

import argparse
import time
from datetime import UTC, datetime

from tests.servers.rabbitmq import RabbitServer
from tests.torture.ledger import Publishing, Seen
from tests.torture.publisher import message_of
from tests.torture.report import Report
from tests.torture.scene import PATIENCE_SECONDS, Scene, servers

NAME = "cap"
EVENTS, TIMES, RATE = 600_000, 1, 10_000

CAP_BYTES, SEGMENT_BYTES = 48 * 1024 * 1024, 4 * 1024 * 1024
"""Of the stream: it holds some 100,000 events."""

_SLOWEST_RATE = 1_000
"""Events a second that are published in any case, on a machine that does much else."""

_MESSAGE_BYTES = 5_000
"""A message in the stream, ten events in a list at most, has fewer."""

_READ_FIRST = 0.1
"""Share of the events that the bridge reads before it is away."""


def options(cap_bytes: int, segment_bytes: int) -> tuple[str, ...]:
    """Of every bridge, for a stream of this size."""
    sizes = {"x-max-length-bytes": cap_bytes, "x-stream-max-segment-size-bytes": segment_bytes}
    return tuple(word for name, size in sizes.items() for word in ("--queue-arg", f"{name}={size}"))


class Segments:
    """The offset that each segment of a stream begins with, by the names of its files."""

    def __init__(self, server: RabbitServer, group: str) -> None:
        self._folder = server.folder / "mnesia"
        self._group = group
        self.begun: set[int] = set()
        """Of all that were seen."""

    def look(self) -> None:
        """To be called while there are few new ones."""
        self.begun.update(int(path.stem) for path in self._folder.rglob("*.segment") if self._group in str(path.parent))

    def behind(self, messages: int) -> int:
        """The offset behind so many messages from the beginning: each segment but the first begins with an entry."""
        offset = messages
        while (found := messages + sum(0 < begun < offset for begun in self.begun)) != offset:
            offset = found
        return offset


def cap(scene: Scene, events: int, rate: int, segment_bytes: int, *, counted: bool) -> Report:
    """
    The bridge reads some events and is killed; the rest is published; it comes back and reads what is left.

    Args:
        counted: whether segments live long enough for each to be seen; else there is a bound for their number.
    """
    report, segments = Report(NAME), Segments(scene.rabbitmq, scene.group)
    alarms = alarms_of(scene.rabbitmq)
    process = scene.bridge(started=True)
    with scene.publishing(int(events * _READ_FIRST), rate) as early:
        early.wait(PATIENCE_SECONDS, process.assert_running)
        scene.reader.wait(early.events, PATIENCE_SECONDS, process.assert_running)
    process.kill()
    killed_at = datetime.now(UTC)
    with scene.publishing(events - early.events, rate, max(early.accepted) + 1) as publishing:
        publishing.wait(PATIENCE_SECONDS + events / _SLOWEST_RATE, segments.look)
    publishing.accepted |= early.accepted
    process = scene.bridge()
    deadline = time.monotonic() + PATIENCE_SECONDS + events / 1000
    while not scene.reader.seen.gaps or scene.reader.seen.latest < max(publishing.accepted):
        process.assert_running()
        assert time.monotonic() < deadline, f"{scene.reader.seen.records} records, {len(scene.reader.seen.gaps)} gaps"
        scene.reader.look()
    report.stop(process)  # so the transaction of the last events has ended in every partition
    scene.reader.look()
    report.account(scene, publishing, repeats=0.0, expected=("lost",))
    cut, own = judge(report, scene.reader.seen, publishing, segments)
    said = scene.reader.seen.gaps[0].get("lost", 0)
    most = cut * _MESSAGE_BYTES / segment_bytes + 1
    report.fault_if(not cut <= said <= cut + most, f"{said} are said to be lost, {cut} are, in {most:.0f} segments")
    report.fault_if(counted and said != cut + own, f"{said} are said to be lost, {cut} and {own} are")
    since = datetime.fromisoformat(scene.reader.seen.gaps[0]["from_time"])
    report.fault_if(since > killed_at, f"the gap begins at {since}, what is lost was published from {killed_at} on")
    report.fault_if(alarms_of(scene.rabbitmq) > alarms, "RabbitMQ raised an alarm")
    return report


def judge(report: Report, seen: Seen, publishing: Publishing, segments: Segments) -> tuple[int, int]:
    """
    What is missing, which has to be from one place, with one gap.

    Returns:
        How many messages were cut off, and how many segments are known to have begun among them.
    """
    missing = sorted(publishing.accepted.keys() - seen.ids.keys())
    assert missing, "nothing was cut off: the stream is larger than what was published"
    between = [number for number in sorted(publishing.accepted) if missing[0] <= number <= missing[-1]]
    report.fault_if(between != missing, "what is missing is not all from one place")
    cut = len({message_of(number) for number in missing})
    read = len({message_of(number) for number in publishing.accepted if number < missing[0]})
    own = segments.behind(read + cut) - segments.behind(read) - cut
    gap = seen.gaps[0]
    report.figures |= {"messages cut off": cut, "said": gap.get("lost"), "segments that began among them": own}
    report.fault_if(len(seen.gaps) != 1 or gap["reason"] != "truncated" or gap.get("lost_exact"), f"{seen.gaps}")
    return cut, own


def alarms_of(server: RabbitServer) -> int:
    """How many alarms it has raised so far, by its log."""
    logs = (server.folder / "log").glob("*.log")
    return sum(log.read_text(errors="replace").count("alarm set on node") for log in logs)


def run(options_: argparse.Namespace) -> bool:
    """With servers of its own."""
    sizes = options(CAP_BYTES, SEGMENT_BYTES)
    with servers() as (kafka, rabbitmq, folder), Scene(kafka, rabbitmq, folder, "stream", sizes) as scene:
        return cap(scene, options_.events, options_.rate, SEGMENT_BYTES, counted=True).show()
