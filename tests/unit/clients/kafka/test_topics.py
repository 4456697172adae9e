"""Unit tests of bridge.clients.kafka.topics."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError, NotControllerError
from aiokafka.protocol.admin import CreateTopicsResponse_v1, DescribeConfigsResponse_v1
from aiokafka.protocol.metadata import MetadataResponse_v5

from bridge.clients.kafka import Topics, create_topics, look_up_topics
from bridge.errors import ConfigError, CredentialsError

NONE, UNKNOWN, DENIED, EXISTS, POLICY, NOT_CONTROLLER = 0, 3, 29, 36, 44, 41


class Cluster:
    """Answers as an AIOKafkaClient does, in the order given, and keeps what it was asked."""

    def __init__(self, *answers: Any) -> None:
        self._answers = list(answers)
        self.asked: list[Any] = []
        self.cluster = SimpleNamespace(controller=SimpleNamespace(nodeId=3))

    def get_random_node(self) -> int:
        return 1

    async def send(self, node: int, request: Any) -> Any:
        self.asked.append((node, request))
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def metadata(*topics: tuple[int, str, int]) -> MetadataResponse_v5:
    """(error code, name, partitions) of each topic."""
    found: list[Any] = [
        (code, name, False, [(0, part, 1, [1], [1], []) for part in range(count)]) for code, name, count in topics
    ]
    return MetadataResponse_v5(throttle_time_ms=0, brokers=[], cluster_id="c", controller_id=1, topics=found)


def limit(code: int, topic: str, value: str) -> DescribeConfigsResponse_v1:
    """What DescribeConfigs answers for one topic."""
    entries: list[Any] = [("max.message.bytes", value, False, 1, False, [])] if code == NONE else []
    return DescribeConfigsResponse_v1(throttle_time_ms=0, resources=[(code, "", 2, topic, entries)])


def look_up(cluster: Cluster, *names: str) -> Topics:
    """Run the look-up."""
    return asyncio.run(look_up_topics(cluster, names))


def test_look_up_tells_present_missing_and_denied_topics_apart() -> None:
    """One answer holds all three."""
    cluster = Cluster(metadata((NONE, "a", 6), (UNKNOWN, "b", 0), (DENIED, "c", 0)), limit(NONE, "a", "5000"))
    assert look_up(cluster, "a", "b", "c") == Topics({"a": 6}, {"a": 5000}, ("b",), ("c",))


def test_look_up_forbids_the_broker_to_create() -> None:
    """With auto.create.topics.enable a question for a misspelt topic would make it."""
    cluster = Cluster(metadata((UNKNOWN, "a", 0)))
    look_up(cluster, "a")
    ((_, request),) = cluster.asked
    assert request._topics == ["a"]
    assert request._allow_auto_topic_creation is False


@pytest.mark.parametrize("answer", [limit(DENIED, "a", ""), KafkaConnectionError()])
def test_limit_that_may_not_be_read_is_left_out(answer: Any) -> None:
    """A producer's user may lack DescribeConfigs; the topic is usable all the same."""
    assert look_up(Cluster(metadata((NONE, "a", 1)), answer), "a") == Topics({"a": 1}, {}, (), ())


def created(*errors: tuple[str, int, str]) -> CreateTopicsResponse_v1:
    """(topic, error code, text) of each topic."""
    return CreateTopicsResponse_v1(topic_errors=list(errors))


def test_topics_are_created_by_the_controller_with_the_clusters_replication() -> None:
    """One request, replication -1; a topic that is there already is no error."""
    cluster = Cluster(created(("a", NONE, ""), ("b", EXISTS, "exists")))
    asyncio.run(create_topics(cluster, {"a": 6, "b": 1}, {"b": {"cleanup.policy": "compact"}}))
    ((node, request),) = cluster.asked
    assert node == 3
    assert request.create_topic_requests == [
        ("a", 6, -1, [], []),
        ("b", 1, -1, [], [("cleanup.policy", "compact")]),
    ]


@pytest.mark.parametrize(
    ("code", "error"), [(DENIED, CredentialsError), (POLICY, ConfigError), (NOT_CONTROLLER, NotControllerError)]
)
def test_creation_that_is_refused_says_whose_fault_it_is(code: int, error: type[Exception]) -> None:
    """A missing right, a rule of the cluster (with its words), or something that passes."""
    with pytest.raises(error) as caught:
        asyncio.run(create_topics(Cluster(created(("a", code, "no such names here"))), {"a": 1}))
    if error is ConfigError:
        assert "no such names here" in str(caught.value)
