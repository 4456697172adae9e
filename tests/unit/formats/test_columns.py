"""Claims about widths on a terminal."""

import pytest
import wcwidth

from bridge.formats.columns import columns, cut, cut_middle, cut_start


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("", 0),
        ("plain", 5),
        ("zażółć", 6),
        ("日本語", 6),
        ("ｆｕｌｌ", 8),
        ("e\u0301", 1),
        ("a\u200bb", 2),
        ("😀", 2),
        ("❤\ufe0f", 2),
        ("한글", 4),
        ("\u2630", 2),
        ("🇵🇱", 4),
    ],
)
def test_columns_counts_what_a_terminal_shows(text: str, taken: int) -> None:
    """East Asian and emoji characters take two, marks none, others one."""
    assert columns(text) == taken


def test_columns_is_never_less_than_the_wcwidth_package_says() -> None:
    """An independent table agrees on every printable character, or says less: a line is then short, never too wide."""
    smaller = [
        f"U+{code:04X}"
        for code in range(0x20, 0x110000)
        if chr(code).isprintable() and columns(chr(code)) < wcwidth.wcwidth(chr(code))
    ]

    assert smaller == []


def test_columns_agrees_with_the_wcwidth_package_on_text() -> None:
    """On letters, ideographs, marks and emoji of one character both say the same."""
    for text in ("Grüße", "東京都", "नमस्ते"[:1], "e\u0301a\u0308", "한국어", "🚀🔥", "Ωμέγα", "кириллица"):
        assert columns(text) == wcwidth.wcswidth(text)


@pytest.mark.parametrize(
    ("room", "head", "tail", "both"),
    [
        (9, "abcdefghi", "abcdefghi", "abcdefghi"),
        (8, "abcdefg…", "…cdefghi", "abcd…ghi"),
        (2, "a…", "…i", "a…"),
        (1, "…", "…", "…"),
        (0, "", "", ""),
        (-1, "", "", ""),
    ],
)
def test_cut_marks_what_it_took(room: int, head: str, tail: str, both: str) -> None:
    """What does not fit becomes an ellipsis at the end, the start or the middle; what fits stays."""
    text = "abcdefghi"

    assert (cut(text, room), cut_start(text, room), cut_middle(text, room)) == (head, tail, both)


def test_cut_does_not_split_a_wide_character_in_two() -> None:
    """A character of two columns that would reach over the edge is left out."""
    assert cut("日本語", 6) == "日本語"
    assert cut("日本語", 4) == "日…"
    assert cut_start("日本語", 4) == "…語"
    assert cut_middle("日本語日本語", 7) == "日…語"


def test_cut_start_leaves_no_mark_without_its_letter() -> None:
    """A combining mark whose letter was cut is cut as well."""
    assert cut_start("abce\u0301", 2) == "…e\u0301"
    assert cut_start("abcde\u0301f", 2) == "…f"
