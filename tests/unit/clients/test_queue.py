"""bridge.clients.queue"""

import pytest

from bridge.clients.queue import QueuePlan, argument
from bridge.errors import ConfigError


def test_the_durable_queue_is_final() -> None:
    """Name and arguments never change: RabbitMQ refuses a queue that is declared with others."""
    plan = QueuePlan("quorum", "default", {})
    assert plan.name() == "celeryev.bridge.default"
    assert plan.arguments() == {
        "x-queue-type": "quorum",
        "x-single-active-consumer": True,
        "x-delivery-limit": 1_000_000,
        "x-max-length-bytes": 4_294_967_296,
        "x-overflow": "drop-head",
    }


def test_the_stream_is_final_too() -> None:
    """Its name ends as no group's may, so both queues of a group can be there."""
    plan = QueuePlan("stream", "default", {})
    assert plan.name() == "celeryev.bridge.default.stream"
    assert plan.lock() == "celeryev.bridge.default.stream.lock"
    assert plan.arguments() == {
        "x-queue-type": "stream",
        "x-max-length-bytes": 4_294_967_296,
        "x-max-age": "7D",
        "x-stream-max-segment-size-bytes": 67_108_864,
    }
    assert not plan.transient


def test_the_transient_queue_has_a_new_name_every_time() -> None:
    """A connection that the broker still holds keeps its queue: the next one must not meet it."""
    plan = QueuePlan("transient", "default", {})
    first, second = plan.name(), plan.name()
    assert first.startswith("celeryev.bridge.")
    assert first != second
    assert plan.arguments() == {
        "x-queue-type": "classic",
        "x-max-length-bytes": 268_435_456,
        "x-overflow": "drop-head",
    }


def test_overrides_replace_and_add() -> None:
    """`--queue-arg` wins over ours, and may name what we do not set."""
    plan = QueuePlan("quorum", "g", {"x-max-length-bytes": "1000", "x-quorum-initial-group-size": "3"})
    assert plan.arguments()["x-max-length-bytes"] == 1000
    assert plan.arguments()["x-quorum-initial-group-size"] == 3


@pytest.mark.parametrize(
    ("text", "value"),
    [("true", True), ("False", False), ("42", 42), ("-1", -1), ("1.5", "1.5"), ("drop-head", "drop-head"), ("", "")],
)
def test_arguments_are_typed(text: str, value: object) -> None:
    """AMQP types its arguments: "true" is not true."""
    assert argument(text) == value
    assert type(argument(text)) is type(value)


@pytest.mark.parametrize("group", ["", "a b", "a/b", "a#", "ü", "a\n", "x" * 300])
def test_a_group_is_a_name(group: str) -> None:
    """It becomes part of a queue's name, and of other names later."""
    with pytest.raises(ConfigError, match="group"):
        QueuePlan("quorum", group, {})


def test_every_problem_is_told() -> None:
    """Queue type, group and argument are wrong at once."""
    with pytest.raises(ConfigError) as caught:
        QueuePlan("classic", "a b", {" ": "1"})  # type: ignore[arg-type]
    assert len(caught.value.problems) == 3
