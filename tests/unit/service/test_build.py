"""Which ends, formats and encoders a configuration gets."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bridge.clock import SystemClock
from bridge.config import Config, SinkEnd, SourceEnd, Url
from bridge.encode import KafkaEncoder, LineEncoder
from bridge.errors import ConfigError
from bridge.formats.dump import Dump
from bridge.formats.native import Native
from bridge.formats.pretty import Pretty
from bridge.formats.raw import raw
from bridge.headers import pairs
from bridge.model import Delivery
from bridge.service.build import alarms, build
from bridge.service.rewound import Rewound
from bridge.sinks.kafka import KafkaSink
from bridge.sinks.stdout import LinesSink
from bridge.sources.amqp import AmqpSource
from bridge.sources.kombu import KombuSource
from bridge.sources.lines import LinesSource
from bridge.sources.redis import RedisSource
from bridge.sources.stream import StreamSource

KAFKA = SinkEnd(kind="kafka", servers=("k1:9092",), topic="celery.events")


def built(url: str = "-", to: SinkEnd | None = None, **given: Any) -> Any:
    """The one chain of a configuration."""
    config = Config(sources=(SourceEnd(url=Url(url), label="prod"),), to=to or SinkEnd(), **given)
    (chain,) = build(config, SystemClock())
    return chain


def test_every_problem_of_schemas_source_and_sink_is_told_at_once(tmp_path: Path) -> None:
    """Nobody should have to start it three times to learn three things; what chains share is told once."""
    (tmp_path / "order-paid.json").write_text("{")
    ends = tuple(
        SourceEnd(url=Url(url), label=url[:1]) for url in ("amqp://rabbit?x=1", "redis://r?ssl_cert_reqs=none")
    )
    config = Config(sources=ends, to=KAFKA, schemas=tmp_path, kafka_properties={"nonsense": "1"})
    with pytest.raises(ConfigError) as caught:
        build(config, SystemClock())
    told = ("order-paid.json", "unknown parameter x", "nonsense", "ssl_cert_reqs=none")
    assert len(caught.value.problems) == len(told)
    assert all(part in problem for part, problem in zip(told, caught.value.problems, strict=True))


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("-", LinesSource),
        ("events.jsonl", LinesSource),
        ("amqp://rabbit", AmqpSource),
        ("amqps://a;amqp://b", AmqpSource),
        ("pyamqp://rabbit", KombuSource),
        ("kombu+amqp://rabbit", KombuSource),
        ("redis://redis/3", RedisSource),
        ("rediss://redis/3", RedisSource),
        ("REDIS://redis", RedisSource),
        ("redis+socket:///run/redis.sock", RedisSource),
        ("sentinel://s1;sentinel://s2?master_name=m", RedisSource),
        ("kombu+redis://redis/3", KombuSource),
        ("memory://", KombuSource),
    ],
)
def test_source_goes_by_the_url(url: str, kind: type) -> None:
    """A path and `-` are lines, RabbitMQ and Redis have readers of their own, everything else is kombu's."""
    assert type(built(url)._source) is kind


def test_a_stream_is_read_by_its_own_source() -> None:
    """On AMQP only; a place to begin is for streams only."""

    def end(url: str, **given: Any) -> Config:
        return Config(sources=(SourceEnd(url=Url(url), **given),))

    (chain,) = build(end("amqp://rabbit?stream_port=1", queue_type="stream", start="oldest"), SystemClock())
    assert isinstance(chain._source, StreamSource)
    for url, given, words in (
        ("redis://r", {"queue_type": "stream"}, "a stream is read from amqp"),
        ("kombu+amqp://r", {"queue_type": "stream"}, "a stream is read from amqp"),
        ("amqp://r", {"start": "oldest"}, "only a stream can be read from a place"),
        ("amqp://r", {"queue_type": "stream", "start": "soon"}, "start: 'soon' is none of"),
    ):
        with pytest.raises(ConfigError, match=words):
            build(end(url, **given), SystemClock())


@pytest.mark.parametrize(
    ("to", "sink", "encoder"),
    [
        (SinkEnd(), LinesSink, LineEncoder),
        (SinkEnd(kind="file", path="out.jsonl"), LinesSink, LineEncoder),
        (KAFKA, KafkaSink, KafkaEncoder),
    ],
)
def test_sink_goes_by_the_url(to: SinkEnd, sink: type, encoder: type) -> None:
    """Lines have a line encoder, Kafka has keys and headers."""
    chain = built(to=to)

    assert type(chain._sink) is sink
    assert type(chain.pipeline.encoder) is encoder


@pytest.mark.parametrize(
    ("name", "kind"), [("native", Native), ("dump", Dump), ("pretty", Pretty), ("raw", type(raw)), ("auto", Native)]
)
def test_format_goes_by_its_name(name: str, kind: type) -> None:
    """`auto` is native where stdout is no terminal."""
    assert type(built(format=name).pipeline.encoder._format) is kind


def test_auto_is_pretty_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """And only for stdout: a file gets JSON wherever the terminal is."""
    primary, terminal = os.openpty()
    monkeypatch.setattr("bridge.service.outputs.STDOUT", terminal)
    try:
        assert type(built(format="auto").pipeline.encoder._format) is Pretty
        assert type(built(format="auto", to=KAFKA).pipeline.encoder._format) is Native
        assert type(built(format="auto", to=SinkEnd(kind="file", path="x")).pipeline.encoder._format) is Native
    finally:
        os.close(primary)
        os.close(terminal)


def test_every_problem_of_the_build_is_told_once(tmp_path: Path) -> None:
    """Two chains with the same broken property tell it once."""
    sources = tuple(SourceEnd(url=Url("-"), label=label) for label in ("a", "b"))
    config = Config(sources=sources, to=KAFKA, kafka_properties={"linger.msx": "5", "acks": "0"})

    with pytest.raises(ConfigError) as caught:
        build(config, SystemClock())

    assert len(caught.value.problems) == 2


@pytest.mark.parametrize(
    ("format_", "content_type", "cloudevent"),
    [
        ("native", b"application/json", True),
        ("auto", b"application/json", True),
        ("raw", b"application/json", False),
        ("dump", b"text/plain; charset=utf-8", False),
        ("pretty", b"text/plain; charset=utf-8", False),
    ],
)
def test_kafka_headers_say_what_the_format_is(format_: str, content_type: bytes, cloudevent: bool) -> None:
    """Text is not called JSON, and only what is a CloudEvent has the headers of one."""
    pipeline = built(to=KAFKA, format=format_).pipeline
    (record,) = pipeline.transform([Delivery(b'{"type": "a", "hostname": "h", "timestamp": 1}')]).records

    assert dict(pairs(record.headers))["content-type"] == content_type
    assert ("ce_id" in dict(pairs(record.headers))) is cloudevent


@pytest.mark.parametrize("kafka", [False, True])
def test_the_broker_remembers_only_what_kafka_does_not(kafka: bool) -> None:
    """A position in Kafka's transactions is not stored in the stream too; starts are counted where it is."""
    config = Config(sources=(SourceEnd(url=Url("amqp://h"), queue_type="stream"),))
    (chain,) = build(replace(config, to=KAFKA) if kafka else config, SystemClock())

    assert isinstance(chain._source, StreamSource)
    assert chain._source._remembered is not kafka
    assert isinstance(chain._counting, Rewound) is kafka
    assert kafka or chain._counting is chain._source


@pytest.mark.parametrize(("queue_type", "name"), [("quorum", None), ("stream", "celery-bridge.prod.default")])
def test_stream_is_written_exactly_once(queue_type: str, name: str | None) -> None:
    """Its position goes out with the records, under label and group; other queues are acknowledged."""
    end = SourceEnd(url=Url("-"), label="prod", queue_type=queue_type)
    (chain,) = build(Config(sources=(end,), to=KAFKA), SystemClock())
    sink = chain._sink

    assert isinstance(sink, KafkaSink)
    assert sink._target.transactional_id == name


def test_own_source_of_rabbitmq_tells_the_counters_of_its_chain() -> None:
    """How much waits in its queue is in that chain's summary."""
    chain = built("amqp://rabbit")

    assert chain._source._reader._depth._counters is chain.counters


def test_alarms_of_each_broker_are_listened_for_by_the_service_only() -> None:
    """Over AMQP, once a broker; `dump` and `replay` end soon, and leave it to the service."""
    urls = ("amqp://a", "amqp://a", "amqps://b", "kombu+amqp://c", "redis://d", "events.jsonl")
    ends = tuple(SourceEnd(url=Url(url), label=f"l{number}") for number, url in enumerate(urls))
    assert len(alarms(Config(command="run", sources=ends), SystemClock())) == 2
    assert alarms(Config(command="run", sources=ends[3:]), SystemClock()) == []
    assert alarms(Config(command="dump", sources=ends), SystemClock()) == []
