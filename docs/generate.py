"""
Writes docs/reference/ again: one page for each file of docs/pages, whose `page()` returns the page's Markdown.

    python docs/generate.py            writes what changed and names it
    python docs/generate.py --check    writes nothing; exits 1 when a page is stale
"""

import runpy
import sys
from collections.abc import Iterator
from pathlib import Path

DOCS = Path(__file__).parent
REFERENCE = DOCS / "reference"


def pages() -> Iterator[tuple[Path, str]]:
    """Each generated page: where it belongs and what it should say."""
    for source in sorted((DOCS / "pages").glob("*.py")):
        yield REFERENCE / f"{source.stem}.md", text_of(source)


def text_of(source: Path) -> str:
    """What the `page()` of one file returns."""
    return str(runpy.run_path(str(source))["page"]())


def stale() -> Iterator[tuple[Path, str]]:
    """The pages whose file does not say what it should."""
    for path, text in pages():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            yield path, text


def main() -> int:
    """Write (or with --check only name) every stale page."""
    check = "--check" in sys.argv[1:]
    found = list(stale())
    for path, text in found:
        if not check:
            path.write_text(text, encoding="utf-8")
        print(path.relative_to(DOCS.parent))  # noqa: T201
    return 1 if check and found else 0


if __name__ == "__main__":
    sys.path.insert(0, str(DOCS.parent))  # bridge, also where it is not installed
    sys.exit(main())
