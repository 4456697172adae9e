"""bridge.config.options: what a row of the table knows about its names and defaults."""

from dataclasses import dataclass, field

from bridge.config.kinds import Count, Many, Switch, Text
from bridge.config.options import default_words, option, options_of


@dataclass(frozen=True)
class Table:
    plain: int = field(default=5, metadata=option(Count(), "Plain.", "A", commands=("run",), defaults={"dump": 7}))
    types: tuple[str, ...] = field(
        default=(), metadata=option(Many(Text()), "Types.", "A", key="type", commands=("run",))
    )
    fail_fast: bool = field(default=False, metadata=option(Switch(), "Fail.", "B", commands=("run",)))
    command: str = "run"


def test_rows_are_the_fields_with_an_option() -> None:
    """Every field that says so is a row, in order; others are none."""
    assert [row.field for row in options_of(Table)] == ["plain", "types", "fail_fast"]


def test_one_key_gives_all_names() -> None:
    """Flag, variable and file key of an option are the same name."""
    row = options_of(Table)[2]

    assert (row.flag, row.variable, row.key) == ("--fail-fast", "CELERY_BRIDGE_FAIL_FAST", "fail_fast")
    assert options_of(Table)[1].flag == "--type"


def test_kinds_say_how_an_option_is_given() -> None:
    """A list is repeatable, a switch takes no value."""
    plain, types, switch = options_of(Table)

    assert (plain.repeatable, types.repeatable, switch.repeatable) == (False, True, False)
    assert (plain.switch, switch.switch) == (False, True)


def test_a_command_may_have_a_default_of_its_own() -> None:
    """The default is the field's unless the row names another for the command."""
    plain, types, switch = options_of(Table)

    assert (plain.default_for("run"), plain.default_for("dump")) == (5, 7)
    assert default_words(plain, "dump") == "default: 7"
    assert default_words(types, "run") == "default: none"
    assert default_words(switch, "run") == "default: off"
