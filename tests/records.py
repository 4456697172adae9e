"""Whether a line that the bridge wrote is a record. Every test that sees records asks here."""

from typing import Any

import jsonschema_rs
import orjson

from bridge.validate import RECORD, Schemas

_VALIDATOR = jsonschema_rs.validator_for(orjson.loads(Schemas.load().text(RECORD)), offline=True)


def assert_record(record: bytes | dict[str, Any]) -> dict[str, Any]:
    """
    Assert that it keeps `record.json`, and what a schema cannot say; returns it parsed.

    Args:
        record: one JSON object, with or without the line's end.
    """
    fields: dict[str, Any] = orjson.loads(record) if isinstance(record, bytes) else record
    if isinstance(record, bytes):
        assert b"\n" not in record.rstrip(b"\n"), "a record is one line"
    found = _VALIDATOR.iter_errors(fields)
    errors = [f"/{'/'.join(map(str, error.instance_path))}: {error.message}" for error in found]
    assert not errors, f"{errors} in {fields}"
    missing = set(fields.get("enriched", ())) - set(fields)
    assert not missing, f"enriched names fields that are not there: {missing}"
    assert set(fields.get("extra", ())).isdisjoint({"type"}), "the type is never an extra"
    return fields
