"""The groups of commands that share options."""

from bridge.cli.main import cli
from bridge.config.commands import AGAIN, ALIKE, ALL, CHAINS, LETTERS, READERS


def test_groups_name_commands_that_there_are() -> None:
    """Each is a command of the command line, or one below `dlq`."""
    for name in {*ALL, *ALIKE, *CHAINS, *READERS, *LETTERS, AGAIN}:
        command, _, below = name.partition(" ")
        found = cli.commands[command]
        assert not below or below in found.commands  # type: ignore[attr-defined]


def test_a_wider_group_holds_the_narrower() -> None:
    """What may be said to a reader may be said to whatever moves events, and so on."""
    assert set(READERS) < set(CHAINS) < set(ALIKE) < set(ALL)
    assert set(LETTERS) < set(ALL)
