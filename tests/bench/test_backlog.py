"""Claims about what the benchmark publishes to RabbitMQ."""

from itertools import islice

from pamqp import commands, frame, header

from bridge.clients.queue import EXCHANGE
from tests.bench.backlog import frames
from tests.bench.load import messages


def test_a_message_is_published_as_celery_does() -> None:
    """Method, header and body frame, on the channel that was opened: transient JSON with the node's name."""
    for message in islice(messages("mix", 500), 100):
        data, found = frames(message, 7), []
        while data:
            count, channel, one = frame.unmarshal(data)
            found.append(one)
            assert channel == 7
            data = data[count:]
        publish, head, body = found
        assert isinstance(publish, commands.Basic.Publish)
        assert isinstance(head, header.ContentHeader)
        assert (publish.exchange, publish.routing_key) == (EXCHANGE, message.routing_key)
        assert head.body_size == len(message.body)
        properties = head.properties
        assert (properties.content_type, properties.content_encoding) == ("application/json", "utf-8")
        assert (properties.delivery_mode, properties.headers) == (1, {"hostname": message.hostname})
        assert body.value == message.body
