"""A topic of a test's own with its dead letters, for tests without an event loop."""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from tests.ledger import Account, account_for
from tests.records import assert_record
from tests.servers.kafka import KafkaServer
from tests.topics import DEAD_LETTERS, make_topics, new_topic_name, read_topic

_POLL_SECONDS = 0.02


class Topic:
    """
    Args:
        server: where it is; it need not run yet.
        create: make both topics now.
        partitions: of the first.
    """

    def __init__(self, server: KafkaServer, *, create: bool = True, partitions: int = 6) -> None:
        self._bootstrap = server.bootstrap
        self._partitions = partitions
        self.name = new_topic_name()
        if create:
            self.create()

    @property
    def url(self) -> str:
        """As `--to` takes it."""
        return f"kafka://{self._bootstrap}/{self.name}"

    def create(self) -> None:
        """Make both topics."""
        asyncio.run(make_topics(self._bootstrap, self.name, partitions=self._partitions))

    def messages(self) -> list[Any]:
        """All that is in the topic now, as aiokafka's ConsumerRecord."""
        return asyncio.run(read_topic(self._bootstrap, self.name))

    def records(self) -> list[dict[str, Any]]:
        """The values of `messages`, parsed; each keeps record.json."""
        return [assert_record(message.value) for message in self.messages()]

    def dead_letters(self) -> list[Any]:
        """All that is in the topic of the dead letters now, as aiokafka's ConsumerRecord."""
        return asyncio.run(read_topic(self._bootstrap, self.name + DEAD_LETTERS))

    def wait_for(self, count: int, *, within: float = 60, meanwhile: Callable[[], object] = lambda: None) -> int:
        """
        Wait until the topic holds so many messages; returns how many it holds then.

        Args:
            meanwhile: called with every look, to fail early.

        Raises:
            AssertionError: it does not in time.
        """
        return asyncio.run(self._wait_for(count, within, meanwhile))

    def account(
        self, accepted: Mapping[int, str], *, within: float = 60, meanwhile: Callable[[], object] = lambda: None
    ) -> Account:
        """
        Wait until each accepted event is in the topic, and account for them; what is lost is not there in time.

        Args:
            accepted: as `Publisher.accepted`.
            meanwhile: as for `wait_for`.
        """
        deadline = time.monotonic() + within
        while (account := account_for(accepted, self.records())).lost and time.monotonic() < deadline:
            meanwhile()
            time.sleep(_POLL_SECONDS)
        return account

    async def _wait_for(self, count: int, within: float, meanwhile: Callable[[], object]) -> int:
        consumer = AIOKafkaConsumer(bootstrap_servers=self._bootstrap, enable_auto_commit=False)
        await consumer.start()
        try:
            await consumer._client.set_topics([self.name])  # else partitions_for_topic stays None
            partitions = [TopicPartition(self.name, number) for number in consumer.partitions_for_topic(self.name)]
            deadline = time.monotonic() + within
            while (found := int(sum((await consumer.end_offsets(partitions)).values()))) < count:
                meanwhile()
                assert time.monotonic() < deadline, f"{found} of {count} messages in {self.name} after {within} s"
                await asyncio.sleep(_POLL_SECONDS)
            return found
        finally:
            await consumer.stop()
