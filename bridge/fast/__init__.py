"""
The few functions that every event or record passes and that Python's own means are slow at: in C where it was compiled
(the files that begin with `_`), else as `plain` has them, which also says what they do. Both do the same.
"""

try:
    from bridge.fast._identity import identity
    from bridge.fast._json import joined, same_names
    from bridge.fast._kafka import add_record, key_hash
    from bridge.fast._read import read_json
    from bridge.fast._record import record
    from bridge.fast._rules import keeps
except ImportError:
    from bridge.fast.plain import add_record, identity, joined, keeps, key_hash, read_json, record, same_names

__all__ = ["add_record", "identity", "joined", "keeps", "key_hash", "read_json", "record", "same_names"]
