"""Claims about the format for people."""

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
import wcwidth

from bridge.clock import iso_ms
from bridge.enrich import enrich
from bridge.formats.pretty import Pretty
from bridge.model import Context, Delivery, Event, Gap
from bridge.state import ClusterState
from tests import captures
from tests.unit.state.celery_answer import identity

SGR = re.compile(r"\x1b\[[0-9]*m")
UUID = "752a2a2e-8abe-4760-aa0c-b3b2560e8631"
KNOWN = {
    "name": "shop.tasks.pay",
    "args": "(7,)",
    "kwargs": "{}",
    "queue_seconds": 0.0017,
    "prefetch_seconds": 0.35,
    "runtime": 184.2,
}


@pytest.fixture(autouse=True)
def greenwich(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Local time is UTC."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def event_of(kind: str, /, **fields: Any) -> Event:
    envelope = {"hostname": "mail@web1", "timestamp": 1795177792.5, "uuid": UUID}
    return Event(kind, {**envelope, **fields, "type": kind}, Delivery(b""), None)


def shown(event: Event, known: dict[str, Any] | None = None, *, width: int = 120, color: bool = False) -> str:
    return Pretty(width=width, color=color)(event, Context("", known or {}), "id", "", "").decode()


def captured(width: int, path: captures.Path, *, color: bool) -> Iterator[tuple[Event, str]]:
    """Each event of a file with its line, the state folded as in a chain (what the schemas refuse is not folded)."""
    pretty, state = Pretty(width=width, color=color), ClusterState()
    for number, event in enumerate(captures.events(path)):
        timestamp, uuid = event.fields.get("timestamp"), event.fields.get("uuid")
        valid = isinstance(timestamp, float) and isinstance(uuid, str | None) and event.type not in {"", "task-odd"}
        context = enrich(event, identity(number), iso_ms(timestamp), state) if valid else Context("", {})
        yield event, pretty(event, context, "id", "", "").decode()


@pytest.mark.parametrize(
    ("width", "line"),
    [
        (80, "12:29:52.500 mail     ✓ shop.tasks.pay   752a2a2e  3m04s = 'ok'  (7,)"),
        (120, "12:29:52.500 mail     ✓ succeeded shop.tasks.pay   752a2a2e q 1.7ms p 350ms r 3m04s = 'ok'  (7,)"),
        (
            200,
            "12:29:52.500  mail      ✓ succeeded  shop.tasks.pay    752a2a2e  queue  1.7ms  prefetch  350ms  "
            "run  3m04s  = 'ok'  (7,)",
        ),
    ],
)
def test_pretty_says_more_the_wider_the_terminal(width: int, line: str) -> None:
    """Symbols and the run at 80 columns, verbs and all durations at 120, their words at 200."""
    assert shown(event_of("task-succeeded", result="'ok'"), KNOWN, width=width) == line


@pytest.mark.parametrize(
    ("kind", "durations"),
    [
        ("task-sent", ""),
        ("task-received", "q 1.7ms"),
        ("task-started", "q 1.7ms p 350ms"),
        ("task-failed", "q 1.7ms p 350ms r 3m04s"),
        ("task-progress", "q 1.7ms p 350ms r 3m04s"),
    ],
)
def test_pretty_shows_the_durations_that_an_event_can_know(kind: str, durations: str) -> None:
    """What is left from the run before a retry is not shown at the next task-received."""
    line = shown(event_of(kind), {**KNOWN, "args": None})

    assert line.partition("752a2a2e")[2].strip() == durations


def test_pretty_prefers_the_runtime_that_the_event_says() -> None:
    """Celery's own runtime of task-succeeded goes before what the state computed."""
    assert "r 2.0s" in re.sub(" +", " ", shown(event_of("task-succeeded", runtime=2.0), KNOWN))


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("task-sent", "2"),
        ("task-received", "2"),
        ("task-started", "34"),
        ("task-succeeded", "32"),
        ("task-failed", "31"),
        ("task-retried", "33"),
        ("task-rejected", "35"),
        ("task-revoked", "35"),
        ("task-cancelled", "35"),
        ("worker-online", "36"),
        ("worker-heartbeat", "2"),
        ("task-progress", "37"),
        ("shop-opened", "37"),
    ],
)
def test_pretty_colours_by_outcome(kind: str, code: str) -> None:
    """The colour stands where the eye looks for what happened, in wide and in narrow terminals."""
    for width in (80, 120):
        line = shown(event_of(kind), KNOWN, color=True, width=width)

        assert re.search(rf"\x1b\[{code}m[⇢⇣▸✓✗↻⊗⊘▴▾∙✦]", line)


def test_pretty_without_colour_has_no_escape_at_all() -> None:
    """What is seen is the same with and without colours."""
    for event in (event_of("task-failed", exception="E('x')"), event_of("worker-online", active=1)):
        assert SGR.sub("", shown(event, KNOWN, color=True)) == shown(event, KNOWN, color=False)
        assert "\x1b" not in shown(event, KNOWN, color=False)


def test_pretty_says_why_a_task_failed_in_red() -> None:
    """Class and message, then the arguments."""
    line = shown(event_of("task-failed", exception="ValueError('boom')"), KNOWN, color=True)

    assert line.endswith("\x1b[31mValueError: boom\x1b[0m  \x1b[2m(7,)\x1b[0m")


def test_pretty_names_the_task_by_its_own_event_first() -> None:
    """A task-received says the shadow's name; a custom event's `name` is a field and hides nothing."""
    assert "shadow" in shown(event_of("task-received", name="shadow"), KNOWN)
    assert "✦ progress  shop.tasks.pay" in shown(event_of("task-progress", name="mine"), KNOWN)
    assert shown(event_of("task-progress", name="mine"), KNOWN).endswith("name=mine")


def test_pretty_tells_a_custom_event_of_no_known_task_by_its_whole_type() -> None:
    """The type takes the room of verb and task; the id is there when there is one."""
    assert shown(event_of("shop-opened", uuid=None, on=1)) == "12:29:52.500 mail     ✦ shop-opened                on=1"
    assert shown(event_of("shop-opened", uuid="x")) == "12:29:52.500 mail     ✦ shop-opened                x"
    assert "✦ shop-opened-again-after-long  on=1" in shown(event_of("shop-opened-again-after-long", uuid=None, on=1))


def test_pretty_tells_a_type_that_its_column_cut_in_full() -> None:
    """Also in a narrow terminal, where there are no words for verbs."""
    for width in (80, 160):
        assert "report-generated" in shown(event_of("task-report-generated"), KNOWN, width=width)


def test_pretty_columns_grow_and_never_shrink() -> None:
    """A longer name moves the columns right once; shorter ones stay under it."""
    pretty = Pretty(width=160, color=False)

    def column(name: str) -> int:
        line = pretty(event_of("task-started"), Context("", {"name": name}), "id", "", "").decode()
        return line.index("752a2a2e")

    columns = [column("n" * size) for size in (3, 16, 17, 20, 21, 5, 40, 500, 1)]

    assert columns == sorted(columns)
    assert len(set(columns)) == 4


def test_pretty_keeps_the_end_of_a_long_name() -> None:
    """Of a dotted name the end tells."""
    line = shown(event_of("task-started"), {"name": "company.product.area.tasks.send_email"}, width=80)

    assert "…ea.tasks.send_email" in line


def test_pretty_asks_for_the_width_at_every_line() -> None:
    """A resize is seen by the next line; nonsense is 80; below 40 the line is cut and plain."""
    width = 100
    pretty = Pretty(width=lambda: width, color=True)
    event = event_of("task-failed", exception="ValueError('" + "x" * 500 + "')")
    for width in (100, 200, 60, 0, -1, 39, 12, 1):
        line = pretty(event, Context("", KNOWN), "id", "", "").decode()
        plain = SGR.sub("", line)

        assert len(plain) == (width if width > 0 else 80)
        assert (plain == line) == (0 < width < 40)


@pytest.mark.parametrize("width", [80, 120, 200])
@pytest.mark.parametrize("path", captures.FILES, ids=lambda path: path.name)
def test_pretty_fits_every_captured_event_into_the_width(path: captures.Path, width: int) -> None:
    """By the independent measure of the wcwidth package, with nothing but its own colours to obey."""
    for _, line in captured(width, path, color=True):
        plain = SGR.sub("", line)

        assert plain.isprintable()
        assert 0 <= wcwidth.wcswidth(plain) <= width


def test_pretty_names_the_task_on_every_line_of_every_captured_task() -> None:
    """Once a task's name was seen, all its lines hold it."""
    names: dict[str, str] = {}
    for event, line in captured(200, captures.FILES[0], color=False):
        uuid = event.fields.get("uuid")
        if not event.type.startswith("task-") or not isinstance(uuid, str):
            continue
        if event.type in {"task-sent", "task-received"}:
            names[uuid] = event.fields["name"]

        assert names.get(uuid, "") in line
    assert len(names) > 50


def test_pretty_cannot_be_made_to_obey() -> None:
    """Escapes and line ends in every field are spelled."""
    evil = "\x1b[2J\n\x9b1A\u2028\u202e"
    fields = dict.fromkeys(("hostname", "uuid", "name", "args", "kwargs", "result", "exception", "queue", evil), evil)
    for kind in ("task-sent", "task-failed", "task-succeeded", "worker-online", f"task-{evil}", evil):
        for line in (shown(event_of(kind, **fields), {"name": evil, "args": evil}), shown(event_of(kind, **fields))):
            assert line.isprintable()


def test_gap_says_why_how_long_and_how_many() -> None:
    """A number that is not exact is called so; one that nobody knows is left out."""
    pretty = Pretty(width=120, color=False)
    known = Gap("connection lost", 1795177789.3, 1795177792.5, lost=12, lost_exact=True)

    assert (
        pretty.gap(known).decode() == "12:29:52.500          ! gap       connection lost: no events for 3.2s, 12 lost"
    )
    known.lost_exact = False
    assert pretty.gap(known).decode().endswith("no events for 3.2s, about 12 lost")
    known.lost = None
    assert pretty.gap(known).decode().endswith("no events for 3.2s")


def test_pretty_says_the_label_of_a_cluster_that_has_one() -> None:
    """With several sources a worker's name alone does not tell whose it is; a gap has no worker."""
    pretty = Pretty(width=120, color=False, cluster="eu")

    assert " eu/mail " in pretty(event_of("task-started"), Context("", KNOWN), "id", "", "").decode()
    assert " eu       ! gap " in pretty.gap(Gap("restart", 1.0, 2.0)).decode()


def test_gap_is_one_line_of_the_width_whatever_the_reason() -> None:
    """Reasons come from servers."""
    line = Pretty(width=50, color=True).gap(Gap("a\x1b[2J\nb" * 100, float("nan"), 5.0)).decode()

    assert len(SGR.sub("", line)) == 50
    assert SGR.sub("", line).isprintable()
