"""What a run happens in: a RabbitMQ, a Kafka, a topic and a group of its own, and the bridges between them."""

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

from tests.e2e.bridge_process import COMMAND, BridgeProcess
from tests.e2e.topic import Topic
from tests.servers.kafka import KafkaServer
from tests.servers.rabbitmq import RabbitServer
from tests.torture.ledger import Publishing, Reader

PATIENCE_SECONDS = 120.0
"""For one step of a run, on a machine that does much else."""

PARTITIONS = 8
"""Of each run's topic: its tasks are spread over them, and a transaction has to end in all."""


@dataclass(frozen=True)
class Ports:
    """Where the bridge finds its servers."""

    amqp: int
    streams: int
    kafka: int


@dataclass
class Scene:
    """
    A context manager: at its end no bridge runs and the queue is gone.

    Args:
        queue_type: quorum or stream.
        options: more arguments of every bridge.
        ports: where the bridge finds its servers, if not where they listen: publisher and reader go there in any case.
        parameters: more of the broker's URL: "&heartbeat=1".
        command: what to start instead of the bridge's command.
    """

    kafka: KafkaServer
    rabbitmq: RabbitServer
    folder: Path
    queue_type: str
    options: tuple[str, ...] = ()
    ports: Ports | None = None
    parameters: str = ""
    command: tuple[str, ...] = tuple(COMMAND)
    group: str = field(default_factory=lambda: f"torture-{uuid4().hex[:12]}")
    bridges: list[BridgeProcess] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.topic = Topic(self.kafka, partitions=PARTITIONS)
        self.reader = Reader(self.kafka.bootstrap, self.topic.name)

    def bridge(self, *, started: bool = False) -> BridgeProcess:
        """One more bridge, at once; `started`: when its queue is there, so that nothing is published past it."""
        url = f"{self.rabbitmq.url}?stream_port={self.rabbitmq.stream_port}"
        to = self.topic.url
        if self.ports is not None:
            url = f"amqp://guest:guest@127.0.0.1:{self.ports.amqp}//?stream_port={self.ports.streams}"
            to = f"kafka://127.0.0.1:{self.ports.kafka}/{self.topic.name}"
        queue = ("--queue-type", self.queue_type, "--group", self.group)
        arguments = ("run", "--from", url + self.parameters, *queue, "--to", to, *self.options)
        self.bridges.append(BridgeProcess(self.folder, *arguments, command=self.command))
        if started:
            self.bridges[-1].wait_for("chain started", within=PATIENCE_SECONDS)
        return self.bridges[-1]

    def publishing(self, events: int, rate: int, first: int = 0) -> Publishing:
        """A publisher of so many events, to be entered; of one after the other each has numbers of its own."""
        return Publishing(self.rabbitmq.url, self.folder, events, rate, first)

    def complete(self, publishing: Publishing, meanwhile: Callable[[], object]) -> None:
        """Until all is accepted, and all that is accepted was read, or nothing more comes."""
        publishing.wait(PATIENCE_SECONDS + 600, meanwhile)
        with contextlib.suppress(AssertionError):  # the account says what is missing
            self.reader.wait(len(publishing.accepted), PATIENCE_SECONDS, meanwhile)
            while publishing.accepted.keys() - self.reader.seen.ids.keys():  # what is unsure was counted instead
                self.reader.wait(len(self.reader.seen.ids) + 1, PATIENCE_SECONDS, meanwhile)
        self.reader.look()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self.bridges:
            process.kill()
        name = f"celeryev.bridge.{self.group}"
        with contextlib.suppress(OSError):
            self.rabbitmq.delete(name if self.queue_type == "quorum" else f"{name}.stream")


@contextlib.contextmanager
def servers(**kafka: Any) -> Iterator[tuple[KafkaServer, RabbitServer, Path]]:
    """A Kafka, a RabbitMQ and a folder for a long run."""
    with (
        KafkaServer(**kafka) as broker,
        RabbitServer() as rabbitmq,
        tempfile.TemporaryDirectory(prefix="bridge-torture-") as folder,
    ):
        yield broker, rabbitmq, Path(folder)
