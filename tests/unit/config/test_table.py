"""bridge.config.table: the rows, and what a Config answers."""

import pytest

from bridge.config import OPTIONS, Config, SinkEnd


def test_defaults_are_values_of_their_kind() -> None:
    """What a row writes of each default is read as the same default."""
    for row in OPTIONS:
        if row.field != "sources":
            for value in (row.default, *row.defaults.values()):
                assert value is None or row.kind.read(row.kind.write(value)) == value, row.key


def test_names_are_distinct() -> None:
    """No flag, key or variable stands for two options."""
    flags = [flag for row in OPTIONS for flag in (row.flag, *row.flags)]

    assert len(set(flags)) == len(flags)
    assert len({row.key for row in OPTIONS}) == len(OPTIONS)


def test_every_field_but_the_command_is_an_option() -> None:
    """The table is the only source of what can be configured."""
    assert {row.field for row in OPTIONS} | {"command"} == set(Config.__dataclass_fields__)


def test_help_is_written_for_users() -> None:
    """Each option says what it does, in a sentence."""
    for row in OPTIONS:
        assert row.help.rstrip().endswith("."), row.key
        assert row.commands, row.key


def test_config_is_frozen() -> None:
    """Nothing changes it after it was checked."""
    with pytest.raises(AttributeError):
        Config().group = "other"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("config", "terminal", "expected"),
    [
        (Config(format="auto"), True, "pretty"),
        (Config(format="auto"), False, "native"),
        (Config(format="auto", to=SinkEnd(kind="file", path="x")), True, "native"),
        (Config(format="auto", to=SinkEnd(kind="kafka", servers=("h:1",), topic="t")), True, "native"),
        (Config(format="dump"), True, "dump"),
        (Config(), True, "native"),
    ],
)
def test_auto_is_pretty_on_a_terminal_only(config: Config, terminal: bool, expected: str) -> None:
    """`auto` is for eyes where there are any, else the record."""
    assert config.format_for(terminal) == expected


def test_a_closed_pipe_is_an_ordinary_end_but_for_run() -> None:
    """`| head` ends every command quietly, only the service has a broken output."""
    assert not Config().quiet_pipe
    assert Config(command="dump").quiet_pipe
    assert Config(command="replay").quiet_pipe
