"""From a broker message to its events."""

import json
import os
import pickle
import subprocess
import sys
import zlib
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest

from bridge.decode import MAX_CONTAINERS, MAX_DEPTH, MAX_EVENTS, MAX_KEYS, decode
from bridge.model import Delivery, Event, Failure, OwnFault, Poison
from tests import captures, hostile

NASTY = json.loads((Path(__file__).parents[2] / "data" / "nasty-bodies.json").read_text(encoding="utf-8"))


def of(text: str | bytes) -> tuple[list[Event], list[Failure]]:
    return decode(Delivery(text if isinstance(text, bytes) else text.encode(), "application/json", "utf-8"))


def fields(text: str | bytes) -> dict[str, Any]:
    events, failures = of(text)
    assert failures == []
    assert len(events) == 1
    return events[0].fields


def nested(levels: int) -> str:
    """An event of so many levels, itself the first."""
    return '{"type": "x", "a": ' + ("[" * (levels - 1) + "]" * (levels - 1) or "0") + "}"


@pytest.mark.parametrize("case", NASTY, ids=lambda case: case["name"])
def test_nasty_body(case: dict[str, Any]) -> None:
    """Each body that some sender really or maliciously sent gives the events and failures written beside it."""
    body = b64decode(case["body_b64"]) if "body_b64" in case else case["body"].encode()
    events, failures = decode(
        Delivery(body, case.get("content_type", "application/json"), case.get("content_encoding", "utf-8"))
    )
    assert [event.type for event in events] == case["types"]
    assert [[failure.index, failure.reason] for failure in failures] == case["failures"]


@pytest.mark.parametrize("path", captures.FILES, ids=lambda path: path.stem)
def test_recorded_bodies_decode_as_python_reads_them(path: Path) -> None:
    """Of what real workers sent, JSON comes out as Python's json reads it, and all else is refused by its type."""
    for capture, delivery in captures.deliveries(path):
        events, failures = decode(delivery)
        if capture["content_type"] != "application/json":
            assert events == []
            assert [failure.reason for failure in failures] == ["content-type"]
            continue
        assert failures == []
        if b"NaN" in delivery.body or b"\\ud" in delivery.body:
            continue
        body = json.loads(delivery.body, parse_int=captures._int)
        assert [event.fields for event in events] == (body if isinstance(body, list) else [body])
        assert [event.index for event in events] == (list(range(len(body))) if isinstance(body, list) else [None])


def test_single_object_has_no_index() -> None:
    """One event, index None, of this very delivery, its fields in their order."""
    delivery = Delivery(b'{"b": 1, "type": "x", "a": 2}')
    assert decode(delivery) == ([Event("x", {"b": 1, "type": "x", "a": 2}, delivery, None)], [])
    assert list(decode(delivery)[0][0].fields) == ["b", "type", "a"]


def test_empty_list_is_no_event_and_no_failure() -> None:
    """Workers up to Celery 5.6 send `[]`."""
    assert of("[]") == ([], [])


def test_bad_places_of_a_list_fail_alone() -> None:
    """Good events keep their index, bad ones their reason."""
    events, failures = of('[{"type": "a"}, null, {"type": 5}, {"x": 1}, [], {"type": "b"}, {"type": null}]')
    assert [(event.type, event.index) for event in events] == [("a", 0), ("b", 5)]
    assert [(failure.index, failure.reason, failure.error, failure.path) for failure in failures] == [
        (1, "shape", "not an object", ""),
        (2, "shape", "type is not a string", "/type"),
        (3, "shape", "type is missing", ""),
        (4, "shape", "not an object", ""),
        (6, "shape", "type is not a string", "/type"),
    ]


def test_depth_is_counted_per_event() -> None:
    """64 levels pass, 65 do not, alone and in a list, and the list itself is no level."""
    assert fields(nested(MAX_DEPTH))
    assert [failure.reason for failure in of(nested(MAX_DEPTH + 1))[1]] == ["too-large"]
    events, failures = of(f"[{nested(MAX_DEPTH)}, {nested(MAX_DEPTH + 1)}, {nested(1)}]")
    assert [event.index for event in events] == [0, 2]
    assert [(failure.index, failure.reason) for failure in failures] == [(1, "too-large")]


def test_depth_of_objects_counts_like_that_of_lists() -> None:
    """Brackets that stand in strings are no levels."""
    deep = '{"type": "x", "a": ' + '{"a": ' * (MAX_DEPTH - 1) + "1" + "}" * MAX_DEPTH
    assert fields(deep)
    assert [failure.reason for failure in of(deep.replace("1", "[]"))[1]] == ["too-large"]
    assert fields('{"type": "x", "a": "' + "[{" * 5000 + '"}')


def test_one_deep_event_cannot_hide_among_many() -> None:
    """However the brackets of a list are spread, an event of too many levels is found."""
    for others in (1, 10, 63, 64, 65, 200):
        events, failures = of("[" + nested(1) + ("," + nested(1)) * (others - 1) + f", {nested(MAX_DEPTH + 1)}]")
        assert len(events) == others
        assert [(failure.index, failure.reason) for failure in failures] == [(others, "too-large")]


@pytest.mark.parametrize("levels", [1001, 1024, 1100, 100_000])
@pytest.mark.parametrize(
    "template", ["%s", "[%s]", '{"type": "x", "a": %s}', '[{"type": "x"}, {"type": "x", "a": %s, "b": NaN}]']
)
def test_depth_beyond_the_parser_fails_the_whole_body(levels: int, template: str) -> None:
    """What no parser should be asked to read is refused as a whole, in no time, also where it needs repair."""
    events, failures = of(template % ("[" * levels + "]" * levels))
    assert events == []
    assert [(failure.index, failure.reason) for failure in failures] == [(None, "too-large")]


def test_names_are_counted_per_event() -> None:
    """10,000 names pass, nested ones included, 10,001 do not, and only that event fails."""
    names = ",".join(f'"{number}":0' for number in range(MAX_KEYS - 3))
    fits = '{"type":"x","a":{' + names + ',"b":0}}'
    assert fields(fits)
    more = fits.replace('"b":0', '"b":0,"c":0')
    assert [failure.reason for failure in of(more)[1]] == ["too-large"]
    events, failures = of(f"[{fits},{more},{fits}]")
    assert [event.index for event in events] == [0, 2]
    assert [failure.index for failure in failures] == [1]


def test_list_has_a_limit() -> None:
    """A list of 10,000 events passes, a longer one is refused as a whole."""
    one = '{"type":"x"}'
    assert len(of("[" + ",".join([one] * MAX_EVENTS) + "]")[0]) == MAX_EVENTS
    events, failures = of("[" + ",".join([one] * (MAX_EVENTS + 1)) + "]")
    assert (events, [(failure.index, failure.reason) for failure in failures]) == ([], [(None, "too-large")])


def test_containers_have_a_limit() -> None:
    """More objects and lists than any event has are not made."""
    fits = '{"type":"x","a":[' + ",".join(["[]"] * (MAX_CONTAINERS - 2)) + "]}"
    assert fields(fits)
    assert [failure.reason for failure in of(fits.replace('{"type"', '{"b":[],"type"'))[1]] == ["too-large"]


def test_repairs_are_made() -> None:
    """What Python writes and JSON forbids becomes what JSON allows."""
    found = fields(
        r'{"type": "x", "n": NaN, "i": [-Infinity], "s": "a\udcffb", "big": 123456789012345678901, "\ud800": 1}'
    )
    assert found == {"type": "x", "n": None, "i": [None], "s": "a�b", "big": "123456789012345678901", "�": 1}


def test_digits_of_any_number_are_kept() -> None:
    """Python refuses integers of more than 4,300 digits; here they are text and stay whole."""
    digits = "9" * 10_000
    assert fields('{"type": "x", "n": ' + digits + "}")["n"] == digits


def test_last_of_equal_names_counts() -> None:
    """In one reading and in the repaired one alike."""
    assert fields('{"type": "x", "a": 1, "a": 2}')["a"] == 2
    assert fields('{"type": "x", "a": 1, "a": 2, "b": NaN}')["a"] == 2


def test_failures_hold_no_value() -> None:
    """Errors go to logs: they name no content."""
    secret = "hunter2"
    bodies = [
        f'{{"type": {{"{secret}": 1}}}}',
        f'{{"{secret}" "{secret}"}}',
        secret,
        f'["{secret}"]',
        f'{{"a": "{secret}',
    ]
    for body in bodies:
        events, failures = of(body)
        assert events == []
        assert secret not in repr(failures)


def test_body_is_untouched() -> None:
    """The bytes that a dead letter needs are those that came."""
    body = zlib.compress(b'{"type": NaN}')
    delivery = Delivery(body, "application/json", "utf-8", {"compression": "gzip"})
    assert [failure.reason for failure in decode(delivery)[1]] == ["shape"]
    assert delivery.body == body


@pytest.mark.parametrize("name", hostile.BODIES)
def test_hostile_body_costs_a_bounded_amount(name: str) -> None:
    """Whatever 8 MiB hold, in a process of its own what is made of them stays within 160 MiB and 10 s of CPU."""
    command = [sys.executable, "-m", "tests.hostile", name]
    done = subprocess.run(command, capture_output=True, check=True, text=True, timeout=60)
    events, failures, grown, spent = done.stdout.split()[:4]
    assert int(events) + int(failures) == 1
    assert int(grown) <= 160
    assert float(spent) <= 10


class Canary:
    """Unpickled, it makes a folder: proof that somebody ran it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self._path),)


@pytest.mark.parametrize(
    "content_type",
    [None, "application/json", "application/x-python-serialize", "application/data", "application/x-yaml", "text/yaml"],
)
def test_nothing_that_was_sent_is_ever_run(content_type: str | None, tmp_path: Path) -> None:
    """Pickle and YAML that call a function, under any label and compression, are bytes and nothing else."""
    canary = tmp_path / "canary"
    yaml = f"!!python/object/apply:os.mkdir ['{canary}']".encode()
    for body in (pickle.dumps(Canary(canary)), yaml, zlib.compress(pickle.dumps(Canary(canary)))):
        for headers in ({}, {"compression": "zlib"}):
            for encoding in (None, "binary", "utf-8", "zlib", "pickle"):
                events, failures = decode(Delivery(body, content_type, encoding, headers))
                assert (events, len(failures)) == ([], 1)
    assert not canary.exists()


def test_kombus_typed_values_stay_what_was_sent() -> None:
    """kombu makes bytes, dates and decimals of these, and fails on wrong ones; here an object is an object."""
    for kind in ("bytes", "decimal", "uuid", "datetime", "nonsense"):
        fields = {"type": "a", "x": {"__type__": kind, "__value__": "%%"}}
        (event,), failures = decode(Delivery(json.dumps(fields).encode()))
        assert (event.fields, failures) == (fields, [])


def test_poison_is_not_looked_into() -> None:
    """Whatever its body holds: a dead letter under every `--on-invalid`, for the fault may be ours."""
    events, failures = decode(Poison(Delivery(b'{"type":"task-started"}', "application/json", "utf-8"), 5))
    assert events == []
    (failure,) = failures
    assert isinstance(failure, OwnFault)
    assert (failure.reason, failure.index) == ("poison", None)
    assert "5 times" in failure.error
