from bridge.fast.plain import read_json as read_json
