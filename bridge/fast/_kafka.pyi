from bridge.fast.plain import add_record as add_record
from bridge.fast.plain import key_hash as key_hash
