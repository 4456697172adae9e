"""Which partition a key belongs to: Java's answer, so that joins and other producers agree with ours."""

from typing import Final

from bridge import fast

_key_hash: Final = fast.key_hash  # a constant: see bridge.formats.native


def partition(key: bytes, partitions: int) -> int:
    """
    The partition of `key` among `partitions`, 0 to partitions - 1, as Java's default partitioner gives it:
    `toPositive(murmur2(key)) % partitions` (org.apache.kafka.clients.producer.internals.BuiltInPartitioner).
    """
    return _key_hash(key) % partitions
