"""Unit tests of bridge.sinks.kafka.partition."""

from bridge.sinks.kafka.partition import partition


def test_partition_is_javas() -> None:
    """toPositive(murmur2(key)) % partitions: the sign bit is cut off, not negated."""
    assert partition(b"21", 6) == (-973932308 & 0x7FFFFFFF) % 6
    assert partition(b"abc", 6) == 479470107 % 6


def test_partition_follows_a_growing_topic() -> None:
    """What is remembered of a key, if anything, is not its partition."""
    assert [partition(b"abc", count) for count in (1, 6, 12, 6)] == [
        0,
        479470107 % 6,
        479470107 % 12,
        479470107 % 6,
    ]
