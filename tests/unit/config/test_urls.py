"""bridge.config.urls: `--from` as text, list or tables."""

import pytest

from bridge.config import SinkEnd, SourceEnd, Url
from bridge.config.urls import Draft, Sinks, Sources


def test_text_and_lists_name_sources() -> None:
    """One text is one source, a list 1..n."""
    assert Sources().read("amqp://h") == (Draft("celery", Url("amqp://h")),)
    assert Sources().read(["a=amqp://h", "b=-"]) == (Draft("a", Url("amqp://h")), Draft("b", Url("-")))


def test_tables_name_sources_and_what_is_their_own() -> None:
    """A table per label holds the URL and settings; a bare text under a label is its URL."""
    assert Sources().read({"a": {"url": "amqp://h", "group": "g"}, "b": "redis://r", "c": {"group": "g"}}) == (
        Draft("a", Url("amqp://h"), {"group": "g"}),
        Draft("b", Url("redis://r")),
        Draft("c", None, {"group": "g"}),
    )


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (5, "expected a URL, a list of them, or .* tables, not a whole number"),
        ([5], "not a whole number"),
        ({"A": {"url": "amqp://h"}}, "the label 'A' may hold a-z, 0-9 and - only"),
        ({"a": {"url": "amqpz://u:s3cret@h"}}, r"\[from.a\] url: amqpz:// is no transport; did you mean amqp"),
        ({"a": {"url": 5}}, r"\[from.a\] url: expected a URL, not a whole number"),
        ({"a": 5}, r"\[from.a\] url: expected a URL, not a whole number"),
    ],
)
def test_wrong_sources_are_named(raw: object, problem: str) -> None:
    """A wrong one is said with its label and without its password."""
    with pytest.raises(ValueError, match=problem) as raised:
        Sources().read(raw)

    assert "s3cret" not in str(raised.value)


def test_sources_are_written_with_their_labels() -> None:
    """The default label is left out where the text reads the same without it."""
    ends = (SourceEnd(url=Url("amqp://u:p@h")), SourceEnd(url=Url("x=y")), SourceEnd(url=Url("-"), label="eu"))

    assert Sources().write(ends) == ["amqp://u:***@h", "celery=x=y", "eu=-"]


def test_sink_is_read_and_written() -> None:
    """The text of an end reads as the same end."""
    assert Sinks().read("kafka://h/t") == SinkEnd(kind="kafka", servers=("h:9092",), topic="t")
    assert Sinks().write(SinkEnd(kind="kafka", servers=("h:9092",), topic="t")) == "kafka://h:9092/t"
    with pytest.raises(ValueError, match="expected a URL, not a list"):
        Sinks().read(["stdout"])
