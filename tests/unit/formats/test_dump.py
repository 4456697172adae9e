"""Claims about the dump format, compared with Celery's own Dumper."""

import io
from typing import Any

import pytest
from celery.events import dumper

from bridge.formats.dump import Dump
from bridge.formats.escape import escape
from bridge.model import Context, Delivery, Event
from tests import captures

# Celery's Dumper raises KeyError for a missing uuid, TypeError for a time that is text.
REFUSED = {"task-strtimestamp", "task-nouuid"}
NOTHING = Context("", {})


def line(dump: Dump, fields: dict[str, Any], known: dict[str, Any] | None = None, at: float | None = None) -> str:
    event = Event(fields["type"], fields, Delivery(b"", received_at=at), None)
    return dump(event, Context("", known or {}), "id", "", "").decode()


class Celerys:
    """Celery's Dumper, with its module-wide memory of tasks emptied."""

    def __init__(self) -> None:
        dumper.TASK_NAMES.clear()
        self._out = io.StringIO()
        self._dumper = dumper.Dumper(self._out)

    def __call__(self, event: Event) -> str:
        """What it prints for the event with its `local_received`; it changes its argument, so it gets a copy."""
        self._out.seek(0)
        self._out.truncate()
        self._dumper.on_event({**event.fields, "local_received": event.delivery.received_at})
        return self._out.getvalue().removesuffix("\n")


@pytest.mark.parametrize("path", captures.FILES, ids=lambda path: path.name)
def test_dump_equals_celerys_text_on_captured_events(path: captures.Path) -> None:
    """Every captured event that Celery's Dumper survives has its text, but for the escapes."""
    dump, celerys, compared, refused = Dump(), Celerys(), 0, []
    for event in captures.events(path):
        ours = dump(event, NOTHING, "id", "", "").decode()
        try:
            theirs = celerys(event)
        except (KeyError, TypeError):
            refused.append(event.type)
            continue

        assert ours == escape(theirs)
        compared += 1
    assert compared > 200 or "large" in path.name
    assert set(refused) <= REFUSED


def test_dump_names_a_task_that_celery_never_heard_of() -> None:
    """What the state knows stands where Celery prints nothing."""
    known = {"name": "shop.pay", "args": "(1,)", "kwargs": "{}", "runtime": 0.5}

    text = line(Dump(), {"type": "task-started", "hostname": "w@h", "timestamp": 0, "uuid": "u"}, known)

    assert text == "w@h [1970-01-01 00:00:00+00:00] task started shop.pay(u) args=(1,) kwargs={} "


def test_dump_prefers_the_words_of_the_last_event_that_named_the_task() -> None:
    """As Celery: the state's answer is only asked for when no task-sent or task-received was seen."""
    dump = Dump()
    envelope = {"hostname": "w@h", "timestamp": 1.5, "uuid": "u"}
    line(dump, {**envelope, "type": "task-received", "name": "shadow", "args": "(1,)", "kwargs": None})

    text = line(dump, {**envelope, "type": "task-failed", "exception": "E()"}, {"name": "shop.pay", "args": "(1,)"})

    assert text == "w@h [1970-01-01 00:00:01.500000+00:00] task failed: shadow(u) args=(1,) kwargs=None exception=E()"


def test_dump_remembers_what_celery_remembers_and_names_the_rest_from_the_state() -> None:
    """Over its bound the least recently used task is forgotten, as Celery's is; the state then answers."""
    dump, celerys = Dump(), Celerys()
    envelope = {"hostname": "w@h", "timestamp": 1.0}
    sent = [
        {**envelope, "type": "task-sent", "uuid": f"u{n}", "name": "n", "args": f"({n},)", "kwargs": "{}"}
        for n in range(4200)
    ]
    for fields in (*sent[:4000], {**envelope, "type": "task-started", "uuid": "u0"}, *sent[4000:]):
        event = Event(fields["type"], fields, Delivery(b"", received_at=2.0), None)
        assert dump(event, NOTHING, "id", "", "").decode() == celerys(event)

    named = 0
    for n in range(4200):
        event = Event("x", {**envelope, "type": "task-started", "uuid": f"u{n}"}, Delivery(b"", received_at=2.0), None)
        event.type = event.fields["type"]
        theirs = celerys(event)
        ours = dump(event, Context("", {"name": "state", "args": "", "kwargs": ""}), "id", "", "").decode()
        assert ours == theirs or ("state(" in ours and "(" not in theirs)
        named += ours == theirs
    assert named == 4095


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"type": "task-started"}, "None [None] task started  "),
        ({"type": "task-sent"}, "None [None] task sent None(None) args=None kwargs=None "),
        (
            {"type": "task-received", "uuid": [1], "name": {"a": 1}},
            "None [None] task received {'a': 1}([1]) args=None kwargs=None ",
        ),
        ({"type": "task-x", "uuid": {"a": []}, "timestamp": "noon"}, "None [noon] task x  "),
        ({"type": "", "hostname": "h", "timestamp": 1e300}, "h [1e+300]  "),
        ({"type": "Worker-ONLINE", "timestamp": True}, "None [1970-01-01 00:00:01+00:00] started "),
        ({"type": "custom-thing-x", "b": None, "a": "1"}, "None [None] custom thing x: a=1, b=None"),
    ],
)
def test_dump_writes_what_celerys_dies_of(fields: dict[str, Any], text: str) -> None:
    """A missing or odd field is written as it is, None where there is none."""
    assert line(Dump(), fields) == text


def test_dump_leaves_out_a_reading_time_that_nobody_knows() -> None:
    """Without a time of reading there is no `local_received`; with one it replaces what the sender called so."""
    fields = {"type": "x", "hostname": "h", "timestamp": 0, "local_received": "forged"}

    assert line(Dump(), fields) == "h [1970-01-01 00:00:00+00:00] x: local_received=forged"
    assert line(Dump(), fields, at=7.25) == "h [1970-01-01 00:00:00+00:00] x: local_received=7.25"


def test_dump_cannot_be_made_to_print_two_lines() -> None:
    """Line ends and escapes in every place of an event are spelled."""
    evil = "a\n\x1b[2Jb\u2028c\x85"
    fields = {"type": f"task-{evil}", "hostname": evil, "timestamp": evil, "uuid": evil, evil: evil, "list": [evil]}

    text = line(Dump(), fields, {"name": evil, "args": evil, "kwargs": evil})

    assert text.isprintable()
    assert text.splitlines() == [text]


def test_dump_does_not_change_the_event() -> None:
    """Unlike Celery's Dumper it leaves its argument whole."""
    fields = {
        "type": "task-sent",
        "uuid": "u",
        "hostname": "h",
        "timestamp": 1.0,
        "name": "n",
        "args": "",
        "kwargs": "",
    }
    before = dict(fields)

    line(Dump(), fields)

    assert fields == before
