"""bridge.service.forget"""

import pytest

from bridge.config import Config, SourceEnd
from bridge.config.secret import Url
from bridge.errors import ConfigError
from bridge.service.forget import check, counted, look, remove
from tests.running import run
from tests.unit.sources.amqp.broker import ScriptedBroker


def config(url: str, queue_type: str | None = "quorum", label: str = "celery") -> Config:
    """To forget one source's."""
    return Config(command="forget", sources=(SourceEnd(url=Url(url), queue_type=queue_type, label=label),))


@pytest.mark.parametrize("url", ["redis://h", "in.jsonl", "memory://"])
def test_only_rabbitmq_keeps_anything(url: str) -> None:
    """Nothing is looked for elsewhere."""
    with pytest.raises(ConfigError, match="only on RabbitMQ"):
        check(config(url))


def test_a_transient_queue_is_gone_already() -> None:
    """It is said, instead of that there is nothing."""
    with pytest.raises(ConfigError, match="leaves nothing behind"):
        check(config("amqp://h", "transient"))


@pytest.mark.parametrize("queue_type", ["quorum", "stream", None])
def test_what_rabbitmq_keeps_may_be_forgotten(queue_type: str | None) -> None:
    """With any spelling of its URL."""
    for url in ("amqp://h", "amqps://h", "kombu+amqp://h"):
        check(config(url, queue_type))


def test_what_is_there_is_named_with_what_is_lost_and_removed() -> None:
    """By the queue's name; the broker without its password."""

    async def check() -> tuple[list[str], list[str]]:
        async with ScriptedBroker() as broker:
            one = config(broker.url.replace("//", "//guest:guest@", 1))
            found = await look(one)
            await remove(one, found)
            return [each.words for each in found], broker.names

    (words,), heard = run(check())
    assert words.startswith("quorum queue celeryev.bridge.default on amqp://127.0.0.1:")
    assert words.endswith(": 0 messages not yet read")
    assert heard.count("Queue.Delete") == 1


def test_counts_have_their_noun() -> None:
    """As people write them."""
    assert (counted(1, "message"), counted(0, "message"), counted(12345, "message")) == (
        "1 message",
        "0 messages",
        "12,345 messages",
    )
