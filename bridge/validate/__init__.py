"""The stage that says whether an event keeps the schema of its type."""

from bridge.validate.schemas import OTHER, RECORD, Schemas

__all__ = ["OTHER", "RECORD", "Schemas"]
