"""Unit tests of bridge.sinks.kafka.partition."""

import os

import pytest
from aiokafka.partitioner import murmur2 as reference

from bridge.sinks.kafka import partition as module
from bridge.sinks.kafka.partition import murmur2, partition


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
def test_murmur2_gives_kafkas_own_vectors(data: bytes, expected: int) -> None:
    """From org.apache.kafka.common.utils.UtilsTest.testMurmur2, signed there."""
    assert murmur2(data) == expected & 0xFFFFFFFF


def test_murmur2_agrees_with_another_implementation() -> None:
    """aiokafka's port, over every length up to 300."""
    for length in range(301):
        data = os.urandom(length)
        assert murmur2(data) == reference(data) & 0xFFFFFFFF


def test_partition_is_javas() -> None:
    """toPositive(murmur2(key)) % partitions: the sign bit is cut off, not negated."""
    assert partition(b"21", 6) == (-973932308 & 0x7FFFFFFF) % 6
    assert partition(b"abc", 6) == 479470107 % 6


def test_partition_follows_a_growing_topic() -> None:
    """The hash is remembered, not the partition."""
    assert [partition(b"abc", count) for count in (1, 6, 12, 6)] == [
        0,
        479470107 % 6,
        479470107 % 12,
        479470107 % 6,
    ]


def test_memory_for_keys_is_bounded() -> None:
    """Every task has a key of its own, for ever."""
    for number in range(module._REMEMBERED + 100):
        partition(b"%d" % number, 6)
    assert 0 < len(module._hashes) <= module._REMEMBERED
