"""Removing what a group left behind, on real servers."""

import asyncio
import gc

import pytest

from bridge.config import Config, SinkEnd, SourceEnd
from bridge.config.secret import Url
from bridge.errors import ConfigError, SinkError
from bridge.service.forget import look, remove
from bridge.sinks.kafka import forget_position, stored_position
from bridge.sources.amqp import AmqpSource
from bridge.sources.stream import StreamSource
from tests.integration.sending import numbered, open_sink
from tests.ledger import publish
from tests.reading import read_bodies
from tests.running import run
from tests.servers.kafka import KafkaServer
from tests.servers.rabbitmq import RabbitServer
from tests.topics import make_topics, new_topic_name

pytestmark = pytest.mark.servers("rabbitmq", "kafka")


def config(url: str, group: str, queue_type: str | None = None, to: SinkEnd | None = None) -> Config:
    """To forget that group's."""
    end = SourceEnd(url=Url(url), group=group, queue_type=queue_type)
    return Config(command="forget", sources=(end,), to=to or SinkEnd())


def test_queue_and_stream_are_removed_with_all_they_hold(rabbitmq: RabbitServer, group: str) -> None:
    """Each is named with how many messages are lost with it; afterwards nothing is there."""
    queue = f"celeryev.bridge.{group}"

    async def check() -> None:
        one = config(rabbitmq.url, group)
        assert await look(one) == []
        async with AmqpSource(rabbitmq.url, group=group), StreamSource(rabbitmq.url, group=group):
            await asyncio.to_thread(publish, rabbitmq.url, [b'{"n":%d}' % n for n in range(30)])
        found = await look(one)
        assert [each.queue for each in found] == [queue, f"{queue}.stream"]
        assert "30 messages not yet read" in found[0].words
        assert "at most 30 messages" in found[1].words
        await remove(one, found)
        assert await look(one) == []
        await remove(one, found)  # gone meanwhile is no error

    run(check(), seconds=60)
    assert not {queue, f"{queue}.stream"} & set(rabbitmq.queues())


def test_only_the_named_type_is_removed(rabbitmq: RabbitServer, group: str) -> None:
    """The stream of the group stays, with all that it holds."""

    async def check() -> None:
        async with AmqpSource(rabbitmq.url, group=group), StreamSource(rabbitmq.url, group=group):
            await asyncio.to_thread(publish, rabbitmq.url, [b'{"n":1}'])
        quorum = config(rabbitmq.url, group, "quorum")
        await remove(quorum, await look(quorum))
        (left,) = await look(config(rabbitmq.url, group))
        assert left.stream
        assert "at most 1 message," in left.words
        await remove(config(rabbitmq.url, group), [left])

    run(check(), seconds=60)


def test_a_queue_that_is_read_is_not_removed(rabbitmq: RabbitServer, group: str) -> None:
    """Its reader would make it anew, and lose what was sent in between: it is said, and nothing happens."""

    async def check() -> None:
        one = config(rabbitmq.url, group, "quorum")
        async with AmqpSource(rabbitmq.url, group=group) as source:
            await source.start(None)
            await asyncio.to_thread(publish, rabbitmq.url, [b'{"n":1}'])
            assert await read_bodies(source, 1) == [b'{"n":1}']
            (found,) = await look(one)
            assert found.consumers >= 1
            with pytest.raises(ConfigError, match="in use by"):
                await remove(one, [found])
            await asyncio.to_thread(publish, rabbitmq.url, [b'{"n":2}'])
            assert await read_bodies(source, 1) == [b'{"n":2}']

    run(check(), seconds=60)


def test_a_position_is_forgotten_and_its_writer_ends(kafka: KafkaServer) -> None:
    """Whoever wrote with it is fenced, instead of storing it again; the next one begins without a position."""

    complaints: list[object] = []

    async def check() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
        topic, name = new_topic_name(), "celery-bridge.celery.test"
        await make_topics(kafka.bootstrap, topic, partitions=1)
        assert await stored_position([kafka.bootstrap], topic, name, {}) is None
        await forget_position([kafka.bootstrap], topic, name, {})  # nothing to forget is no error
        async with open_sink(kafka, topic, transactional_id=name) as sink:
            assert await sink.resume() is None
            await (await sink.send(numbered(1, 3), b"7"))
            assert await stored_position([kafka.bootstrap], topic, name, {}) == b"7"
            await forget_position([kafka.bootstrap], topic, name, {})
            with pytest.raises(SinkError, match="another bridge writes to Kafka as"):
                await (await sink.send(numbered(4, 6), b"8"))
        assert await stored_position([kafka.bootstrap], topic, name, {}) is None
        async with open_sink(kafka, topic, transactional_id=name) as sink:
            assert await sink.resume() is None

        gc.collect()

    run(check(), seconds=90)
    assert complaints == []  # asyncio would log the traceback of an error in aiokafka that nobody looked at


def test_a_position_goes_before_its_stream(kafka: KafkaServer, rabbitmq: RabbitServer, group: str) -> None:
    """So a bridge that still writes ends, and does not make the stream anew."""

    async def check() -> None:
        topic = new_topic_name()
        await make_topics(kafka.bootstrap, topic, partitions=1)
        to = SinkEnd(kind="kafka", servers=(kafka.bootstrap,), topic=topic)
        one = config(rabbitmq.url, group, "stream", to)
        async with StreamSource(rabbitmq.url, group=group):
            pass
        async with open_sink(kafka, topic, transactional_id=f"celery-bridge.celery.{group}") as sink:
            await sink.resume()
            await (await sink.send(numbered(1, 1), b"1"))
        found = await look(one)
        assert [each.words.split()[0] for each in found] == ["position", "stream"]
        await remove(one, found)
        assert await look(one) == []

    run(check(), seconds=90)
