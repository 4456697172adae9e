"""bridge.config.ends: what `--from` and `--to` may say."""

import re

import pytest

from bridge.config.ends import TRANSPORTS, SinkEnd, SourceEnd, read_sink, read_source
from bridge.config.secret import Url


@pytest.mark.parametrize(
    ("text", "label", "url"),
    [
        ("amqp://rabbit", "celery", "amqp://rabbit"),
        ("prod=amqp://rabbit", "prod", "amqp://rabbit"),
        ("eu-1=redis://h/0?a=b", "eu-1", "redis://h/0?a=b"),
        ("amqp://h/?a=b", "celery", "amqp://h/?a=b"),
        ("-", "celery", "-"),
        ("prod=-", "prod", "-"),
        ("events.jsonl", "celery", "events.jsonl"),
        ("./a=b.jsonl", "celery", "./a=b.jsonl"),
        ("./odd://name", "celery", "./odd://name"),
        ("file:events.jsonl", "celery", "file:events.jsonl"),
        ("file:///tmp/x.jsonl", "celery", "file:/tmp/x.jsonl"),
        ("kombu+amqp://h", "celery", "kombu+amqp://h"),
        ("sqla+sqlite:///x.db", "celery", "sqla+sqlite:///x.db"),
        ("sentinel://a:26379;sentinel://b:26379", "celery", "sentinel://a:26379;sentinel://b:26379"),
    ],
)
def test_source_is_read(text: str, label: str, url: str) -> None:
    """A label is taken off; the rest is a URL, a path or `-`."""
    assert read_source(text) == (label, Url(url))


@pytest.mark.parametrize("transport", sorted(TRANSPORTS))
def test_every_transport_of_kombu_is_a_source(transport: str) -> None:
    """What kombu can read is accepted, forced through kombu or not."""
    assert read_source(f"{transport}://h")[1].value == f"{transport}://h"
    assert SourceEnd(url=Url(f"kombu+{transport}://h")).transport == transport


def test_the_transports_are_those_of_kombu() -> None:
    """The table names every transport that kombu knows, but Kafka, which is a source of its own."""
    from kombu.transport import TRANSPORT_ALIASES

    assert {name.lower() for name in TRANSPORT_ALIASES} - {"kafka"} <= TRANSPORTS


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "the URL is empty"),
        ("prod=", "the URL is empty"),
        ("Prod=amqp://h", "the label 'Prod' may hold a-z, 0-9 and - only"),
        ("amqpz://u:s3cret@h", "amqpz:// is no transport; did you mean amqp?"),
        ("http://h", "http:// is no transport"),
        ("kafka://h/t", "reading from Kafka is not possible yet"),
        ("amqp:u:s3cret@h", None),
        ("amqp:/u:s3cret@h", "amqp:***@h is no URL: write amqp://..."),
        ("redis//h", "redis//h is no URL: write redis://..."),
        ("file:", "file: names no path"),
        ("my.transport:Own://u:s3cret@h", "my.transport:***@h is no URL of a transport that is known"),
        ("file://host/x", "write a file as file:PATH or PATH, not file://host/x"),
        ("amqp://u:***@h", "its password is ***, as a printed configuration shows it: give the real one"),
    ],
)
def test_no_source(text: str, problem: str | None) -> None:
    """What cannot be a source is said, without its password; an odd path is left to the file system."""
    if problem is None:
        assert read_source(text)[1].value == text
        return
    with pytest.raises(ValueError, match=re.escape(problem)) as raised:
        read_source(text)

    assert "s3cret" not in str(raised.value)


def test_a_source_knows_what_it_is() -> None:
    """Path, transport and what kombu is given follow from the URL."""
    lines, forced = SourceEnd(url=Url("file:x.jsonl")), SourceEnd(url=Url("kombu+amqp://u:p@h//"))

    assert (lines.path, lines.transport) == ("x.jsonl", "")
    assert (forced.path, forced.transport, forced.forced_kombu) == (None, "amqp", True)
    assert forced.broker == "amqp://u:p@h//"
    assert SourceEnd(url=Url("./odd://name")).path == "./odd://name"
    assert SourceEnd(url=Url("sqla+sqlite:///x")).broker == "sqla+sqlite:///x"


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("stdout", SinkEnd()),
        ("-", SinkEnd()),
        ("file:out.jsonl", SinkEnd(kind="file", path="out.jsonl")),
        ("file:/tmp/out", SinkEnd(kind="file", path="/tmp/out")),
        ("file:///tmp/out", SinkEnd(kind="file", path="/tmp/out")),
        ("kafka://h/t", SinkEnd(kind="kafka", servers=("h:9092",), topic="t")),
        ("kafka://h:1", SinkEnd(kind="kafka", servers=("h:1",), topic="celery.events")),
        ("kafka://h1:9092,h2:9093/a.b/", SinkEnd(kind="kafka", servers=("h1:9092", "h2:9093"), topic="a.b")),
        ("KAFKA://[::1]:9092/t", SinkEnd(kind="kafka", servers=("[::1]:9092",), topic="t")),
    ],
)
def test_sink_is_read(text: str, end: SinkEnd) -> None:
    """stdout, a file or a topic; the text of an end reads as the same end again."""
    assert read_sink(text) == end
    assert read_sink(str(end)) == end


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "'' is none of stdout"),
        ("stdot", "'stdot' is none of stdout, file:PATH, kafka://...; did you mean stdout?"),
        ("out.jsonl", "'out.jsonl' is no URL; for a file write file:out.jsonl"),
        ("file:", "write a file as file:PATH"),
        ("file://host/x", "write a file as file:PATH"),
        ("kafak://h/t", "kafak:// is no place to write to; did you mean kafka?"),
        ("amqp://u:s3cret@h", "amqp:// is no place to write to"),
        ("kafka://u:s3cret@h/t", "a Kafka URL holds no user or password"),
        ("kafka://h/t?acks=1", "a Kafka URL holds no parameters"),
        ("kafka:///t", "'' is no host:port"),
        ("kafka://h:0/t", "'h:0' is no host:port"),
        ("kafka://h:99999/t", "'h:99999' is no host:port"),
        ("kafka://h,,i/t", "'' is no host:port"),
        ("kafka://h/a b", "'a b' is no topic name"),
        ("kafka://h/" + "t" * 240, "'ttt"),
        ("kafka://h/..", "'..' is no topic name"),
    ],
)
def test_no_sink(text: str, problem: str) -> None:
    """What cannot be a sink is said, without a password."""
    with pytest.raises(ValueError, match=re.escape(problem)) as raised:
        read_sink(text)

    assert "s3cret" not in str(raised.value)
