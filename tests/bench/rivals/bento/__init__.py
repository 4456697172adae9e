"""
bento (the open fork of Redpanda Connect): built from its module with the few components that the job needs.

`main.go`, `go.mod` and `go.sum` build it into the cache (80 s once); `pass.yaml` and `enrich.yaml` configure it. Its
JSON Schema validator knows draft 7 and Go's regular expressions, so our schemas are translated for it.
"""

import json
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

from bridge.validate.files import BUNDLED
from tests.servers.kafka import LIBS

FOLDER = Path(__file__).parent
_MADE = LIBS.with_name("bento")
BINARY = _MADE / "bento"
SCHEMAS = _MADE / "schemas"

_BUILD_SECONDS = 900
_APART = {"$schema", "$id", "$comment", "title", "description", "examples"}
"""What says nothing about validity, or a draft that its validator does not know."""
_DRAFT_7 = {"$defs": "definitions", "dependentRequired": "dependencies"}
"""Older names of the same keywords."""


@cache
def why_not() -> str:
    """Build it and translate the schemas, once; why it cannot take part, empty when it can."""
    if not BINARY.exists():
        if shutil.which("go") is None:
            return "go is not installed, and bento is not built"
        print(f"building bento into {_MADE}", file=sys.stderr)
        _MADE.mkdir(parents=True, exist_ok=True)
        build = ["go", "build", "-mod=readonly", "-buildvcs=false", "-p", "2", "-trimpath", "-ldflags", "-s -w"]
        try:
            done = subprocess.run(
                [*build, "-o", str(BINARY), "."], cwd=FOLDER, capture_output=True, text=True, timeout=_BUILD_SECONDS
            )
        except subprocess.TimeoutExpired:
            return f"it was not built in {_BUILD_SECONDS} s"
        if done.returncode:
            return f"it cannot be built: {done.stderr.strip().splitlines()[-1] if done.stderr.strip() else 'go failed'}"
    translate()
    return ""


def translate() -> None:
    """Write our schemas for events as its validator takes them."""
    SCHEMAS.mkdir(parents=True, exist_ok=True)
    for path in BUNDLED.glob("*.json"):
        if path.stem != "record":
            (SCHEMAS / path.name).write_text(json.dumps(translated(json.loads(path.read_text()))))


def translated(schema: Any) -> Any:
    """The same schema in draft 7, its patterns as Go spells them."""
    if isinstance(schema, list):
        return [translated(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    made = {}
    for name, value in schema.items():
        if name in _APART and isinstance(value, str | list):
            continue
        if name == "$ref":
            made[name] = value.replace("#/$defs/", "#/definitions/")
        elif name == "pattern" and isinstance(value, str):
            made[name] = value.replace("\\u00", "\\x")
        else:
            made[_DRAFT_7.get(name, name)] = translated(value)
    return made
