"""bridge.service.writer"""

from bridge.config import SourceEnd
from bridge.config.secret import Url
from bridge.service.writer import transactional_id


def test_writers_of_other_labels_or_groups_are_others() -> None:
    """Two clusters, or two groups of one, never fence each other."""
    end = SourceEnd(url=Url("amqp://h"), label="prod", group="audit")
    assert transactional_id(end) == "celery-bridge.prod.audit"
