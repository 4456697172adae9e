"""Writes records over an idempotent producer: each at least once, and in order per key."""

from collections.abc import Callable, Sequence

from bridge.model import Record
from bridge.sinks.kafka.lanes import Lanes
from bridge.sinks.kafka.producer import connect
from bridge.sinks.kafka.target import Target
from bridge.sinks.kafka.window import Send, Window


class AtLeastOnce:
    """
    What is confirmed when its records are. A record that was written and not confirmed may be written again.

    Args:
        window: of the sends.
        make_lanes: makes the lanes that write the records.
    """

    def __init__(self, target: Target, window: Window, make_lanes: Callable[[Window], Lanes]) -> None:
        self._target = target
        self._window = window
        self._lanes = make_lanes(window)

    async def resume(self) -> bytes | None:
        """None: Kafka does not know where we were, the source's broker does."""
        return None

    async def begin(self, place: str = "") -> int:  # noqa: ARG002 - as below
        """0: nothing is kept beside the records."""
        return 0

    async def rest(self) -> None:
        """Nothing was noted."""

    def put(self, send: Send, records: Sequence[Record], position: bytes | None) -> None:  # noqa: ARG002 - as above
        """
        Queue a send behind those before it.

        Raises:
            SinkError: a record is for a topic that is not ours.
        """
        self._lanes.put(send, records)
        self._window.settle()

    async def attempt(self, up: Callable[[], None]) -> tuple[BaseException, bool]:
        """
        Connect, say `up`, and let the lanes use the producer.

        Returns:
            Why it is of no more use, and whether anything was written, or learnt of a culprit.

        Raises:
            ConnectError, CredentialsError, ConfigError: no connection, or a topic is missing.
            SinkError: it can never go on.
        """
        target, lanes = self._target, self._lanes
        producer, topics = await connect(
            target.servers,
            target.properties,
            target.wanted,
            create=target.create_topics,
            batch_bytes=lanes.batch_bytes,
        )
        try:
            up()
            before = lanes.confirmed + lanes.learnt
            error = await lanes.run(producer, topics.partitions, topics.limits)
            return error, lanes.confirmed + lanes.learnt > before
        finally:
            await producer.give_up()
