"""Which records go to which partition of which topic: a few instructions for every record, so a module of its own."""

from collections.abc import Mapping, Sequence

from bridge.errors import SinkError
from bridge.model import Record
from bridge.sinks.kafka.partition import partition


def spread(
    records: Sequence[Record], topic: str, partitions: Mapping[str, int], turn: int
) -> list[tuple[str, int, list[Record]]]:
    """
    Topic, partition and what goes there, in the records' order; each key's records in its partition.

    Args:
        topic: of records that name none.
        partitions: of each topic, how many.
        turn: all records without a key go to this one, modulo how many there are, so that those of one send share a
            batch, as Java's sticky partitioner does.

    Raises:
        SinkError: a record is for a topic that is not ours.
    """
    places: dict[str, list[list[Record]]] = {}
    name, count = None, 0
    lists: list[list[Record]] = []
    for record in records:
        if record.topic != name:
            name = record.topic
            count = partitions.get(name or topic) or 0
            if not count:
                raise SinkError(f"a record is for the Kafka topic {name or topic}, which this sink does not write")
            lists = places.setdefault(name or topic, [[] for _ in range(count)])
        key = record.key
        lists[turn % count if key is None else partition(key, count)].append(record)
    return [(place, number, some) for place, lists in places.items() for number, some in enumerate(lists) if some]
