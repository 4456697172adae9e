"""One line per event for a person who watches a cluster: aligned, coloured by outcome, as wide as the terminal."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from bridge.formats.columns import columns, cut, cut_middle, cut_start
from bridge.formats.details import details, text_of
from bridge.formats.durations import duration, local_time
from bridge.formats.escape import escape
from bridge.formats.line import BLUE, CYAN, DIM, GREEN, MAGENTA, PLAIN, RED, WHITE, YELLOW, Line
from bridge.formats.workers import WorkerNames
from bridge.model import Context, Event, Gap

# Symbols are neutral in East Asian Width (one column in every terminal) and have no emoji form.
_LOOKS = {
    "task-sent": ("⇢", "sent", DIM),
    "task-received": ("⇣", "received", DIM),
    "task-started": ("▸", "started", BLUE),
    "task-succeeded": ("✓", "succeeded", GREEN),
    "task-failed": ("✗", "failed", RED),
    "task-retried": ("↻", "retried", YELLOW),
    "task-rejected": ("⊗", "rejected", MAGENTA),
    "task-revoked": ("⊘", "revoked", MAGENTA),
    "task-cancelled": ("⊘", "cancelled", MAGENTA),
}
_WORKER_LOOKS = {
    "worker-online": ("▴ online", CYAN),
    "worker-offline": ("▾ offline", CYAN),
    "worker-heartbeat": ("∙ heartbeat", DIM),
}
_VERB_SIZE = len("✓ succeeded")
_TIME_SIZE = len("11:47:55.123")
_UUID_SIZE = 8  # the first group of a UUID: 4 billion, enough to tell the tasks on a screen apart
_DURATION_SIZE = 6  # see duration()

_QUIET = frozenset({"task-sent", "worker-heartbeat"})  # not a worker, and the line that says nothing new
_EMPTY = '""'  # an event's type may be the empty text

_SENT_OR_RECEIVED = frozenset({"task-sent", "task-received"})
_DURATIONS = (("queue", "queue_seconds"), ("prefetch", "prefetch_seconds"), ("run", "runtime"))
# How many of them an event of this type can know; a task that is tried again has others left from the run before.
_STEPS = {"task-sent": 0, "task-received": 1, "task-started": 2}

_PLAIN_BELOW = 40  # time and worker leave nothing to align
_WIDTH_UNKNOWN = 80
_NAMES_CACHED = 1024
_GROWTH = 4  # the name's column grows by steps of so many, so that it moves seldom


@dataclass(frozen=True, slots=True)
class _Layout:
    """What fits into a width. Fixed columns take about three quarters of it at most."""

    worker: int
    name: int
    durations: int
    """1: of this step; 3: all."""
    durations_named: bool
    """Whether durations have words or letters before them."""
    verbs: bool
    """Whether there is room for words beside the symbols."""
    separator: int


@lru_cache(maxsize=64)
def _layout(width: int) -> _Layout:
    return _Layout(
        worker=max(8, min(24, width // 8)),
        name=max(12, min(48, width // 4)),
        durations=3 if width >= 120 else 1,
        durations_named=width >= 180,
        verbs=width >= 100,
        separator=2 if width >= 150 else 1,
    )


class Pretty:
    """
    Writes an event as one line: local time, worker, what happened, task, short id, durations, what else matters.

    The columns of worker and task grow with what was seen, up to a share of the width, and never shrink by themselves.
    Durations are queue (sent to received), prefetch (received to started) and run; a narrow terminal shows that of the
    step which the event ends. Not safe for several threads.

    Args:
        width: columns to fill, or what to ask for them at every line (a terminal is resized); 0 is taken for 80. Below
            40 the line is cut and has no colours.
        color: whether to write SGR sequences; nothing else that a terminal obeys is ever written.
        cluster: label of the chain; said before the worker's name unless it is the default.
    """

    def __init__(self, *, width: Callable[[], int] | int, color: bool, cluster: str = "celery") -> None:
        self._width = width
        self._cluster = cluster
        self._color = color
        self._workers = WorkerNames()
        self._names: dict[str, tuple[str, int]] = {}
        self._worker_size = 8
        self._name_size = 16  # proj.tasks.verb fits without moving a column

    def __call__(self, event: Event, context: Context, event_id: str, event_time: str, observed_time: str) -> bytes:  # noqa: ARG002
        """
        One line, at most as wide as the terminal.

        Raises:
            Nothing.

        Cost: 12 us.
        """
        fields, kind = event.fields, event.type
        layout, line = self._begin(fields.get("timestamp"))
        worker = self._workers.short(fields.get("hostname"), self._cluster)
        self._put_worker(line, layout, worker, DIM if kind in _QUIET else CYAN)
        if kind in _WORKER_LOOKS:
            line.put(*_WORKER_LOOKS[kind], _VERB_SIZE)
        else:
            self._put_task(line, layout, event, context)
        for text, style in details(kind, fields, context.known):
            room = line.room
            if room <= 1:
                break
            line.put(escape(text[: 4 * room]), style)  # more cannot be seen, but for heaps of combining marks
        return line.encode()

    def gap(self, gap: Gap) -> bytes:
        """One line that says that events are missing here, why, for how long, and how many where that is known."""
        layout, line = self._begin(gap.to_time)
        self._put_worker(line, layout, self._workers.short(None, self._cluster), CYAN)
        line.put("! gap", YELLOW, _VERB_SIZE)
        told = f"{_short(gap.reason)}: no events for {duration(gap.to_time - gap.from_time) or 'an unknown time'}"
        if gap.lost is not None:
            told += f", {gap.lost} lost" if gap.lost_exact else f", about {gap.lost} lost"
        line.put(told, YELLOW)
        return line.encode()

    def _begin(self, timestamp: object) -> tuple[_Layout, Line]:
        width = self._width if isinstance(self._width, int) else self._width()
        if width <= 0:
            width = _WIDTH_UNKNOWN
        layout = _layout(width)
        line = Line(width, layout.separator, color=self._color and width >= _PLAIN_BELOW)
        line.put(local_time(timestamp), DIM, _TIME_SIZE)
        return layout, line

    def _put_task(self, line: Line, layout: _Layout, event: Event, context: Context) -> None:
        """What happened, to which task, and how long it took; of an event about no known task, its type."""
        kind, fields = event.type, event.fields
        look = _LOOKS.get(kind)
        name = fields.get("name") if kind in _SENT_OR_RECEIVED else None
        if name is None:
            name = context.known.get("name")
        if look is None and name is None:
            self._put_type(line, layout, kind)
            if fields.get("uuid") is not None:
                line.put(_short_uuid(fields["uuid"]), DIM, _UUID_SIZE)
            return
        symbol, verb, style = look or ("✦", _short(kind.removeprefix("task-") or kind or _EMPTY), WHITE)
        if layout.verbs:
            line.put(f"{symbol} {verb}", style, _VERB_SIZE)
        else:
            line.put(symbol, style, 1)
        self._put_name(line, layout, name)
        line.put(_short_uuid(fields.get("uuid")), DIM, _UUID_SIZE)
        self._put_durations(line, layout, event, context)
        if look is None and (not layout.verbs or columns(verb) > _VERB_SIZE - 2):
            line.put(verb, style)  # a type that the column cut, or had no room for, is told in full

    def _put_type(self, line: Line, layout: _Layout, kind: str) -> None:
        """The type in the columns of what happened and to which task; a longer one moves what follows."""
        shown = f"✦ {_short(kind or _EMPTY)}"
        size = self._name_size + (_VERB_SIZE if layout.verbs else 1) + layout.separator
        if columns(shown) <= size:
            line.put(shown, WHITE, size)
        else:
            line.put(cut(shown, layout.name + _VERB_SIZE), WHITE)

    def _put_worker(self, line: Line, layout: _Layout, worker: str, style: str) -> None:
        taken = columns(worker)
        if taken > self._worker_size:
            self._worker_size = taken
        size = min(self._worker_size, layout.worker)
        line.put(worker if taken <= size else cut_middle(worker, size), style, size)

    def _put_name(self, line: Line, layout: _Layout, name: object) -> None:
        shown, taken = self._name(name)
        if taken > self._name_size:
            self._name_size = -(-taken // _GROWTH) * _GROWTH
        size = min(self._name_size, layout.name)
        line.put(shown if taken <= size else cut_start(shown, size), PLAIN, size)

    def _name(self, name: object) -> tuple[str, int]:
        """The task's name as shown, and its columns; tasks are few, so both are kept."""
        text = "" if name is None else text_of(name)
        found = self._names.get(text)
        if found is None:
            shown = _short(text)
            found = (shown, columns(shown))
            if len(self._names) >= _NAMES_CACHED:
                self._names.clear()
            self._names[text] = found
        return found

    @staticmethod
    def _put_durations(line: Line, layout: _Layout, event: Event, context: Context) -> None:
        steps = _STEPS.get(event.type, 3)
        if layout.durations == 1:
            taken = _taken(_DURATIONS[steps - 1][1], event, context) if steps else ""
            line.put(taken and taken.rjust(_DURATION_SIZE), PLAIN, _DURATION_SIZE)
            return
        for step, (word, key) in enumerate(_DURATIONS):
            taken = _taken(key, event, context) if step < steps else ""
            label = f"{word} " if layout.durations_named else word[0]
            line.put(
                taken and label + taken.rjust(_DURATION_SIZE), PLAIN if step == 2 else DIM, len(label) + _DURATION_SIZE
            )


def _taken(key: str, event: Event, context: Context) -> str:
    """A duration that the event itself says (task-succeeded does) or the state knows."""
    value = event.fields.get(key) if event.type in _LOOKS else None
    return duration(context.known.get(key) if value is None else value)


# A name, a type or an id longer than any column is cut before it costs anything: a type may be 8 MiB long.
_LONGEST_SHOWN = 512


def _short(text: str) -> str:
    return escape(text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN])


def _short_uuid(uuid: object) -> str:
    """The first group of a UUID; of an id that a user chose both ends."""
    if isinstance(uuid, str) and len(uuid) == 36:
        return escape(uuid[:_UUID_SIZE])
    return "" if uuid is None else cut_middle(_short(text_of(uuid)), _UUID_SIZE)
