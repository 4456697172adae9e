"""The stage that says whether an event keeps the schema of its type, and what becomes of one that does not."""

from bridge.validate.policy import EVERY_TYPE, Policy
from bridge.validate.schemas import OTHER, RECORD, Schemas

__all__ = ["EVERY_TYPE", "OTHER", "RECORD", "Policy", "Schemas"]
