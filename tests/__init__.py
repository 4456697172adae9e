"""A package of its own name, so that no other distribution's `tests` can stand in its way."""
