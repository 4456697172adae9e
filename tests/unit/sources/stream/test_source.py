"""bridge/sources/stream/source.py: what needs no server; the rest is the contract's and the integration tests'."""

import pytest

from bridge.errors import ConfigError
from bridge.sources.stream import StreamSource
from tests.running import run


def test_every_problem_is_told_at_once() -> None:
    """Of the URL, the group, the place and the numbers."""

    async def check() -> None:
        with pytest.raises(ConfigError) as caught:
            StreamSource("amqp://h?stream_port=x", group="a b", start="soon", prefetch=0, max_unsettled_bytes=0)
        told = ("prefetch", "max_unsettled_bytes", "stream_port", "group", "start: 'soon' is none of")
        assert all(part in problem for part, problem in zip(told, caught.value.problems, strict=True))

    run(check())


def test_a_position_of_another_source_is_refused() -> None:
    """It is no offset."""

    async def check() -> None:
        source = StreamSource("amqp://h")
        with pytest.raises(ConfigError, match="no position of a stream"):
            await source.start(b"line 7")

    run(check())


def test_what_is_secret_is_not_shown() -> None:
    """Neither user nor password."""

    async def check() -> None:
        shown = StreamSource("amqp://user:secret@h/v?stream_port=1;amqp://i").shown
        assert shown == "amqp://h/v;amqp://i"

    run(check())


def test_who_has_not_connected_counts_no_start() -> None:
    """It looks at nothing."""

    async def check() -> None:
        source = StreamSource("amqp://h")
        assert await source.begin() == 0
        await source.rest()

    run(check())
