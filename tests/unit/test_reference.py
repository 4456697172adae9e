"""The generated pages of docs/reference say what the code says."""

import runpy
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("name", sorted(path.stem for path in (DOCS / "pages").glob("*.py")))
def test_page_is_fresh(name: str) -> None:
    """Each generated page holds what its generator writes today; `make docs` writes it again."""
    text = runpy.run_path(str(DOCS / "generate.py"))["text_of"](DOCS / "pages" / f"{name}.py")

    assert (DOCS / "reference" / f"{name}.md").read_text(encoding="utf-8") == text
