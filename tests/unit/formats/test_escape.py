"""Claims about the escaping of text that users made."""

import json
import sys
import unicodedata

import pytest

from bridge.formats.escape import escape, escape_json


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\nb\r\n", "a\\nb\\r\\n"),
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("nul\0 bell\a tab\t del\x7f", "nul\\x00 bell\\x07 tab\\t del\\x7f"),
        ("\x85 \x9b31m", "\\x85 \\x9b31m"),
        ("\u2028 \u2029", "\\u2028 \\u2029"),
        (
            "\u202egpj.exe\u202c \u2066x\u2069 \u200e\u200f\u061c",
            "\\u202egpj.exe\\u202c \\u2066x\\u2069 \\u200e\\u200f\\u061c",
        ),
        ("\udcff", "\\udcff"),
    ],
)
def test_escape_spells_what_a_terminal_would_obey(text: str, shown: str) -> None:
    """Line ends, control sequences, bidirectional controls and lone surrogates become visible text."""
    assert escape(text) == shown


@pytest.mark.parametrize(
    "text", ["", "plain", "C:\\new", "zażółć gęślą", "東京 🚀 é", "a\u00a0b", "👩\u200d🚀", "עברית العربية"]
)
def test_escape_leaves_printable_text_alone(text: str) -> None:
    """Letters of every script, emoji joined to one, spaces and backslashes stay."""
    assert escape(text) == text


def test_escape_covers_every_control_and_every_line_end_of_unicode() -> None:
    """No character of category Cc, Zl, Zp or Cs survives, nor one with a bidirectional embedding class."""
    embedding = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
    for code in range(0x110000):
        char = chr(code)
        if unicodedata.category(char) in {"Cc", "Zl", "Zp", "Cs"} or unicodedata.bidirectional(char) in embedding:
            assert escape(char).isascii(), f"U+{code:04X}"


def test_escaped_json_means_the_same_and_says_it_in_printable_characters() -> None:
    """Those that `escape` spells are spelled as JSON does, but for DEL; all others stay as they are."""
    every = "".join(map(chr, [*range(0x3000), *range(0xF000, 0x10400), sys.maxunicode]))
    line = json.dumps({every: every}, ensure_ascii=False)
    escaped = escape_json(line.encode()).decode()

    assert json.loads(escaped) == {every: every}
    assert escape(escaped) == escaped.replace("\x7f", "\\x7f")
    assert set(line) - set(escaped) == {char for char in every if ord(char) > 0x7F and escape(char) != char}


@pytest.mark.parametrize("line", [b"{}", b'{"a":"\\n\\u2028"}', '{"a":"zażółć 東京 🚀 é"}'.encode()])
def test_harmless_json_stays(line: bytes) -> None:
    """What is escaped already is not escaped twice."""
    assert escape_json(line) == line
