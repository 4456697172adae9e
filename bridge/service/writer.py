"""What an exactly-once writer is called."""

from bridge.config import SourceEnd


def transactional_id(end: SourceEnd) -> str:
    """Of the chain of one source: whoever starts with it fences whoever wrote with it before."""
    return f"celery-bridge.{end.label}.{end.group}"
