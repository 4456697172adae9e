"""The commands, in the groups that share options."""

READERS = ("run", "dump", "config")
"""The commands that may read from a broker, and `config`, which shows what `run` would do."""
SERVICE = ("run", "config")
CHAINS = (*READERS, "replay")
ALIKE = (*CHAINS, "demo")
ALL = (*ALIKE, "validate", "schemas", "dlq show", "dlq replay")
AGAIN = "dlq replay"
LETTERS = ("dlq show", AGAIN)
"""The commands that read dead letters back."""
FORGET = "forget"
"""Takes the flags of the `run` that left something behind."""
