"""Schema files, found and compiled."""

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from bridge.errors import ConfigError
from bridge.validate.files import bundled, closed, compiled, parsed, user_files


@pytest.fixture
def web() -> Iterator[tuple[str, list[str]]]:
    """A web server: the address of a schema on it, and every request it got."""
    asked: list[str] = []

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"type": "string"}')

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with http.server.HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/schema.json", asked
        server.shutdown()
        thread.join()


def problems(schemas: dict[str, Any]) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        compiled(schemas, schemas, {})
    return list(caught.value.problems)


def test_bundled_schemas_are_all_there() -> None:
    """One for each of the fourteen types that Celery sends, for any other, and for the records."""
    assert list(bundled()) == [
        "event",
        "record",
        "task-cancelled",
        "task-failed",
        "task-received",
        "task-rejected",
        "task-retried",
        "task-revoked",
        "task-sent",
        "task-started",
        "task-succeeded",
        "worker-elect",
        "worker-elect-ack",
        "worker-heartbeat",
        "worker-offline",
        "worker-online",
    ]


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b'"{}"', b"5", b"null", b"\xef\xbb\xbf{}", b'{"a": NaN}'])
def test_what_is_no_schema_is_no_schema(text: bytes) -> None:
    """A schema is a JSON object, or true or false; a JSON text inside a string is none."""
    with pytest.raises(ValueError, match=r".+"):
        parsed(text)


def test_booleans_are_schemas() -> None:
    """JSON Schema has two schemas that are no objects."""
    assert parsed(b"true") is True
    assert not compiled({"a": False}, ["a"], {})["a"].is_valid({})


def test_references_find_files_by_name(tmp_path: Path) -> None:
    """Also from a file that gives itself an `$id`, and into `$defs`."""
    schemas = {
        "a": {"$ref": "b.json"},
        "b": {"$id": "b.json", "properties": {"x": {"$ref": "c.json#/$defs/y"}}},
        "c": {"$defs": {"y": {"type": "integer"}}},
        "d": {"$id": "https://example.com/d.json", "$ref": "e.json"},
        "e": {"$id": "https://example.com/e.json", "required": ["z"]},
    }
    validators = compiled(schemas, schemas, {})
    assert validators["a"].is_valid({"x": 1})
    assert not validators["a"].is_valid({"x": "1"})
    assert not validators["d"].is_valid({})


@pytest.mark.parametrize("keyword", ["$ref", "$dynamicRef", "$schema"])
def test_nothing_is_fetched_from_the_web(keyword: str, web: tuple[str, list[str]]) -> None:
    """A remote reference is a problem, and the server it names is never asked."""
    address, asked = web
    found = problems({"a": {keyword: address}, "b": {"properties": {"x": {keyword: address}}}})
    assert [problem.split(":")[0] for problem in found][:1] == ["a.json"]
    assert asked == []


@pytest.mark.parametrize("target", ["file:///etc/hostname", "https://example.com/x.json", "missing.json", "#/$defs/no"])
def test_reference_that_leads_nowhere_is_a_problem(target: str) -> None:
    """Neither files beside ours nor anything else is read."""
    assert len(problems({"a": {"$ref": target}})) == 1


def test_every_problem_is_reported_at_once() -> None:
    """Each with its file and what is wrong with it."""
    found = problems({"a": {"type": "strng"}, "b": {}, "c": {"pattern": "("}, "d": {"$ref": "nowhere.json"}})
    assert [problem.split(":")[0] for problem in found] == ["a.json", "c.json", "d.json"]
    assert "/type" in found[0]
    assert "/pattern" in found[1]
    assert found[2] == "d.json: refers to what is not here: Resource 'nowhere.json'"


def test_patterns_give_up(web: tuple[str, list[str]]) -> None:
    """A pattern that would go back for ever counts as not matching, in bounded time."""
    validator = compiled({"a": {"pattern": "^(?=(a+)+$)(a+)+b$"}}, ["a"], {})["a"]
    assert not validator.is_valid("a" * 50)


def test_user_files_are_the_visible_json_files(tmp_path: Path) -> None:
    """What a mounted ConfigMap or an editor leaves beside them is not looked at."""
    for name in ("b.json", "a.json", ".hidden.json", "notes.txt", "c.json~"):
        (tmp_path / name).write_text("{}")
    (tmp_path / "folder.json").mkdir()
    (tmp_path / "link.json").symlink_to("a.json")
    assert [path.name for path in user_files(tmp_path)] == ["a.json", "b.json", "link.json"]


def test_directory_that_cannot_be_listed_is_a_problem(tmp_path: Path) -> None:
    """Missing, or no directory."""
    with pytest.raises(ConfigError, match="missing: No such file"):
        user_files(tmp_path / "missing")
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="file: Not a directory"):
        user_files(tmp_path / "file")


@pytest.mark.parametrize("name", ["order paid", "żółć", "[a]", "a\\b", "a%20b", "a#b?c", "100%"])
def test_a_schema_may_have_any_type_for_its_name(name: str) -> None:
    """An event's type is free text; what no URI may hold is percent-encoded, in a reference to such a file, too."""
    quoted = quote(name)
    found = compiled(
        {name: {"required": ["a"], "$ref": "#/$defs/x", "$defs": {"x": True}}, "b": {"$ref": f"{quoted}.json"}},
        [name, "b"],
        {},
    )

    assert [validator.is_valid({}) for validator in found.values()] == [False, False]
    assert [validator.is_valid({"a": 1}) for validator in found.values()] == [True, True]


def test_closing_a_schema_leaves_what_says_it_itself() -> None:
    """A schema that allows more fields, or none at all, knows what it wants."""
    assert closed({"type": "object"}) == {"type": "object", "unevaluatedProperties": False}
    for schema in (True, {"additionalProperties": True}, {"unevaluatedProperties": {"type": "string"}}):
        assert closed(schema) == schema


def test_only_what_is_asked_for_is_closed() -> None:
    """A schema may add to one that it refers to, which is closed only for events of its own."""
    schemas: dict[str, Any] = {
        "one": {"properties": {"a": {}}},
        "two": {"$ref": "one.json", "properties": {"b": {}}},
    }
    strict = compiled(schemas, schemas, {}, strict=True)
    assert strict["two"].is_valid({"a": 1, "b": 2})
    assert not strict["two"].is_valid({"a": 1, "c": 2})
    assert not strict["one"].is_valid({"a": 1, "b": 2})
