"""celery-event-bridge: every event of a Celery cluster to Kafka or stdout, validated, enriched, none lost."""

__version__ = "0.1.0"
