"""Claims about our schemas as bento takes them."""

import json
import re

from bridge.validate.files import BUNDLED
from tests.bench.rivals.bento import FOLDER, translated

TYPES = [path.stem for path in BUNDLED.glob("*.json") if path.stem != "record"]


def test_nothing_that_its_validator_does_not_know_is_left() -> None:
    """No keyword of a later draft, no reference into one, no escape that Go's expressions lack."""
    for name in TYPES:
        text = json.dumps(translated(json.loads((BUNDLED / f"{name}.json").read_text())))
        assert not re.search(r'"\$(schema|id|defs)"|dependentRequired|#/\$defs|\\\\u', text), name


def test_a_property_with_a_keyword_s_name_stays() -> None:
    """Only annotations are left out, not fields that are called like them."""
    schema = {"title": "x", "properties": {"title": {"type": "string"}}, "dependentRequired": {"a": ["b"]}}
    assert translated(schema) == {"properties": {"title": {"type": "string"}}, "dependencies": {"a": ["b"]}}


def test_its_configurations_validate_every_type_by_its_schema() -> None:
    """Each type with a schema has its case, everything else event.json."""
    for config in ("pass.yaml", "enrich.yaml"):
        text = (FOLDER / config).read_text()
        assert set(re.findall(r"SCHEMAS}/([a-z-]+)\.json", text)) == set(TYPES)
