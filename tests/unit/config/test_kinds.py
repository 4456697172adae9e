"""bridge.config.kinds: reading values from text and from files, and writing them back."""

from pathlib import Path
from typing import Any

import pytest

from bridge.config.kinds import Choice, Count, FilePath, Many, Pairs, Seconds, Size, Switch, Text, Word

PLAIN = Text()


@pytest.mark.parametrize(
    ("kind", "raw", "value"),
    [
        (Count(), Word("5_000"), 5000),
        (Count(), 7, 7),
        (Size(), Word("64MiB"), 67108864),
        (Size(), "1.5 kB", 1500),
        (Size(), 5, 5),
        (Size(), Word("12"), 12),
        (Seconds(), Word("5m"), 300.0),
        (Seconds(), "250ms", 0.25),
        (Seconds(), 3, 3.0),
        (Seconds(), 1.5, 1.5),
        (Switch(), Word("Yes"), True),
        (Switch(), Word("off"), False),
        (Switch(), True, True),
        (Choice(("info", "error")), Word("INFO"), "info"),
        (FilePath(), "a/b", Path("a/b")),
        (Many(PLAIN), "x", ("x",)),
        (Many(PLAIN), ["x", "y"], ("x", "y")),
        (Pairs(), "a=b=c", {"a": "b=c"}),
        (Pairs(), ["a=1", "b="], {"a": "1", "b": ""}),
        (Pairs(), {"a": True, "b": 5, "c": "x"}, {"a": "true", "b": "5", "c": "x"}),
    ],
)
def test_value_is_read(kind: Any, raw: object, value: object) -> None:
    """Each kind takes text with its units and the types a file has."""
    assert kind.read(raw) == value


@pytest.mark.parametrize(
    ("kind", "raw", "problem"),
    [
        (Count(), Word("x"), "'x' is no whole number"),
        (Count(), Word("1.5"), "'1.5' is no whole number"),
        (Count(), Word("٣"), "'٣' is no whole number"),
        (Count(), Word("9" * 99), "is no whole number"),
        (Count(), "5", "expected a whole number, not a string"),
        (Count(), True, "expected a whole number, not true or false"),
        (Count(), 1.0, "expected a whole number, not a number"),
        (Count(1, 65535), 0, "0 is not from 1 to 65535"),
        (Size(), "64 MeB", "'64 MeB' is no size; write 67108864 or 64MiB"),
        (Size(), Word("1.5"), "'1.5' is no whole number of bytes"),
        (Size(), -1, "-1 is not from 1"),
        (Size(), [], "expected a number of bytes, as 67108864 or '64MiB', not a list"),
        (Seconds(), Word("soon"), "'soon' is no number of seconds; write 90, 1.5 or 5m"),
        (Seconds(), float("nan"), "nan is not from 0"),
        (Seconds(), float("inf"), "inf is not from 0"),
        (Seconds(), -1, "-1 is not from 0"),
        (Seconds(), True, "expected a number of seconds, not true or false"),
        (Switch(), Word("maybe"), "'maybe' is neither true nor false"),
        (Switch(), "true", "expected true or false, not a string"),
        (Switch(), 1, "expected true or false, not a whole number"),
        (Choice(("quorum", "transient")), "quorm", "'quorm' is none of quorum, transient; did you mean quorum?"),
        (Choice(("quorum",)), 5, "expected a string, not a whole number"),
        (Text(), "", "'': it is empty"),
        (Text("NAME", "[a-z]+", "only letters"), "a\n", r"'a\\n': only letters"),
        (Text(), "a\0", "it holds a NUL character"),
        (Text(), "a\udcff", "it is not UTF-8"),
        (FilePath(), "", "the path is empty"),
        (FilePath(), 5, "expected a path, not a whole number"),
        (Many(PLAIN), {"a": "b"}, "expected a string or a list of them, not a table"),
        (Many(PLAIN), ["a", 5], "expected a string, not a whole number"),
        (Many(PLAIN), ["a", ""], "'': it is empty"),
        (Pairs(), "s3cret", "expected name=value$"),
        (Pairs(), "=s3cret", "expected name=value$"),
        (Pairs(), {"sasl.password": ["s3cret"]}, "expected a string for sasl.password, not a list"),
        (Pairs(), 5, "expected name=value, a list of them, or a table, not a whole number"),
        (Pairs(), None, "not null"),
    ],
)
def test_wrong_value_is_named(kind: Any, raw: object, problem: str) -> None:
    """A wrong value or type is said in the user's words, and what may be a secret is not repeated."""
    with pytest.raises(ValueError, match=problem) as raised:
        kind.read(raw)

    assert "s3cret" not in str(raised.value)


def test_a_long_wrong_value_is_cut() -> None:
    """A message stays readable whatever was pasted."""
    with pytest.raises(ValueError, match=r"\.\.\.' is none of") as raised:
        Choice(("a",)).read("x" * 10_000)

    assert len(str(raised.value)) < 120


def test_home_directory_is_expanded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`~` is the home directory; a file whose name begins with it is written so that it is read as the same."""
    monkeypatch.setenv("HOME", str(tmp_path))

    assert FilePath().read("~/schemas") == tmp_path / "schemas"
    assert FilePath().write(Path("~schemas")) == "./~schemas"
    assert FilePath().read("./~schemas") == Path("~schemas")


def test_pairs_are_written_masked() -> None:
    """What is printed of names and values shows no secret."""
    assert Pairs().write(Pairs().read(["sasl.password=s3cret", "client.id=x"])) == {
        "sasl.password": "***",
        "client.id": "x",
    }
