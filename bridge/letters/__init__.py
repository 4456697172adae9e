"""Dead letters as they are read back: what each says, how many are alike, and what of it can be sent again."""

from bridge.letters.groups import Group, Groups
from bridge.letters.letter import Letter, from_line, from_message
from bridge.letters.remainder import remainder

__all__ = ["Group", "Groups", "Letter", "from_line", "from_message", "remainder"]
