from bridge.fast.plain import record as record
