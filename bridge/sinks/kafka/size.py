"""How large a record may be, and how a dead letter that is larger is cut."""

import hashlib
from dataclasses import replace

from bridge.headers import pairs
from bridge.model import Record

# A batch of one record: the batch's header is 61 bytes, the record's own lengths, attributes and deltas at most 21
# (DefaultRecordBatch.RECORD_BATCH_OVERHEAD, DefaultRecord.MAX_RECORD_OVERHEAD), a header's two lengths at most 10.
_BATCH_BYTES = 61
_RECORD_BYTES = 21
_HEADER_BYTES = 10

KEPT_BYTES = 64 * 1024
"""What a dead letter keeps of a body that its topic cannot hold."""

BODY_BYTES = "celery.errors.body_bytes"
BODY_SHA256 = "celery.errors.sha256"

# What says why a record is a dead letter; kept, if cut, when its headers alone are larger than the topic takes.
_ERRORS = ("celery.errors.", "__connect.errors.")
_ERROR_VALUE_BYTES = 1024


def size_of(record: Record) -> int:
    """Bytes of a batch that holds this record alone, before compression; at most 31 + 10 per header too many."""
    headers = sum(len(name.encode()) + len(value) + _HEADER_BYTES for name, value in pairs(record.headers))
    return _BATCH_BYTES + _RECORD_BYTES + len(record.value) + len(record.key or b"") + headers


def cut(record: Record, limit: int) -> Record:
    """
    A dead letter as its topic can hold it: the record itself when it fits, else a copy with its value cut to
    KEPT_BYTES or less, and the headers BODY_BYTES (decimal) and BODY_SHA256 (hexadecimal) of the whole value.

    When key and headers alone are too large, only the headers that say why remain, cut to 1 KiB each, and no key.

    Args:
        limit: bytes of a batch before compression.
    """
    if size_of(record) <= limit:
        return record
    told = [
        (BODY_BYTES, str(len(record.value)).encode()),
        (BODY_SHA256, hashlib.sha256(record.value).hexdigest().encode()),
    ]
    kept = [(name, value) for name, value in pairs(record.headers) if name not in {BODY_BYTES, BODY_SHA256}]
    bare = replace(record, value=b"", headers=kept + told)
    if size_of(bare) > limit:
        why = [(name, value[:_ERROR_VALUE_BYTES]) for name, value in kept if name.startswith(_ERRORS)]
        bare = replace(record, value=b"", key=None, headers=why + told)
    room = max(0, limit - size_of(bare))
    return replace(bare, value=record.value[: min(KEPT_BYTES, room)])
