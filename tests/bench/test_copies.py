"""Claims about the captured deliveries as new tasks."""

import json

from bridge.decode import decode
from bridge.validate import Schemas
from tests.bench.copies import copies
from tests.captures import DIRECTORY

PATH = DIRECTORY / "rabbitmq-celery-5.6.x.jsonl"


def test_copies_are_valid_and_share_no_task() -> None:
    """Every event of every copy keeps its schema, and no copy has a task of another's."""
    schemas = Schemas.load()
    once, twice = copies(PATH, 1, schemas), copies(PATH, 2, schemas)
    uuids = []
    for some in (twice[: len(once)], twice[len(once) :]):
        found = [event for delivery in some for event in decode(delivery)[0]]
        assert [event for event in found if schemas.check(event) is not None] == []
        uuids.append({event.fields["uuid"] for event in found if isinstance(event.fields.get("uuid"), str)})
    assert len(twice) == 2 * len(once)
    assert len(uuids[0]) == len(uuids[1]) > 0
    assert not uuids[0] & uuids[1]


def test_copies_keep_the_form_that_was_sent() -> None:
    """Lists stay lists, fields keep their order."""
    schemas = Schemas.load()
    captured = {json.loads(line).get("t"): json.loads(line) for line in PATH.read_bytes().splitlines()}
    for delivery in copies(PATH, 1, schemas):
        body, sent = json.loads(delivery.body), captured[delivery.received_at]["body"]
        assert type(body) is type(sent)
        first, origin = (body[0], sent[0]) if isinstance(body, list) else (body, sent)
        assert list(first) == list(origin)
