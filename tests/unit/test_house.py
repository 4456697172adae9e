"""Claims about the repository itself: what a reader may rely on without reading everything."""

import ast
import os
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import bridge

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "bridge"

MADE = {"__pycache__", "build", "dist", "data"}
"""Folders that are not ours to judge: made by tools, or recorded (`tests/data`)."""

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def files(*suffixes: str) -> Iterator[Path]:
    """Every file of the repository that ends so; all of them without a suffix."""
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if name == ".ci" or not (name in MADE or name.startswith("."))]
        yield from (Path(folder, name) for name in names if not suffixes or name.endswith(suffixes))


def modules() -> list[Path]:
    """The modules of the package, relative to it; what only re-exports or states a contract (`__init__`) is none."""
    return sorted(path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py") if not path.name.startswith("__"))


def found(pattern: str) -> list[str]:
    """`file:line: text` wherever it occurs, in any file but this one."""
    expression = re.compile(pattern)
    return [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}"
        for path in files()
        if path != Path(__file__)
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1)
        if expression.search(line)
    ]


def test_no_file_names_a_path_of_some_machine() -> None:
    """A fresh clone anywhere works: nothing points into somebody's home or checkout."""
    assert found(r"(?<![\w.-])/(work|root|home|Users)/\w") == []


def test_no_file_names_a_package_registry() -> None:
    """Where packages come from is the environment's business (pip's and Maven's own configuration)."""
    assert found(r"pypi\.|pythonhosted|repo1?\.maven|artifactory|nexus\.|jfrog") == []
    assert found(r"--(extra-)?index-url|--find-links|--trusted-host|--default-index") == []


def test_no_document_needs_what_is_not_in_the_repository() -> None:
    """The documents stand alone."""
    assert found(r"DESIGN\.md|\.\./shared|\b[Ii]ssue \d") == []


def test_links_between_documents_lead_somewhere() -> None:
    """Every relative link of a document names a file or folder that exists."""
    broken = [
        f"{path.relative_to(ROOT)}: {target}"
        for path in files(".md")
        for target in re.findall(r"\]\((?!https?:|mailto:|#)([^)#\s]+)", path.read_text())
        if not (path.parent / target).exists()
    ]
    assert broken == []


def test_readme_fits_two_screens() -> None:
    """Whoever decides in two minutes reads all of it."""
    assert len((ROOT / "README.md").read_text().splitlines()) <= 120


def test_versions_agree() -> None:
    """The package, its metadata and the change log name the same version."""
    assert bridge.__version__ == PROJECT["project"]["version"]
    assert f"## [{bridge.__version__}]" in (ROOT / "CHANGELOG.md").read_text()


@pytest.mark.parametrize("name", ["run", "test"])
def test_requirements_are_pinned_and_hashed(name: str) -> None:
    """Every requirement is one exact version with hashes, and no option says where to get it."""
    text = re.sub(r"\\\n\s+", "", (ROOT / "requirements" / f"{name}.txt").read_text())  # one line each
    pinned = re.compile(r"[a-z0-9-]+==\S+ .*--hash=sha256:[0-9a-f]{64}")
    assert [line for line in text.splitlines() if not (pinned.match(line) or line.strip()[:1] in ("#", ""))] == []


def pins(name: str) -> dict[str, str]:
    """Package -> version."""
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", text, re.MULTILINE))


def test_requirements_hold_what_the_project_asks_for() -> None:
    """Pins are not older than pyproject.toml, and the tests run with the versions that are shipped."""
    asked = [*PROJECT["project"]["dependencies"], *PROJECT["build-system"]["requires"]]
    requirements = [Requirement(text) for text in asked]
    assert [str(r) for r in requirements if not r.specifier.contains(pins("run").get(r.name.lower(), "0"))] == []
    assert PROJECT["dependency-groups"]["build"] == PROJECT["build-system"]["requires"]
    assert pins("run").items() <= pins("test").items()
    assert {Requirement(text).name for text in PROJECT["dependency-groups"]["test"]} <= pins("test").keys()


@pytest.mark.parametrize("module", modules(), ids=str)
def test_module_has_its_own_test_file(module: Path) -> None:
    """bridge/a/b.py is tested by tests/unit/a/test_b.py."""
    assert (ROOT / "tests" / "unit" / module.with_name(f"test_{module.name}")).is_file()


@pytest.mark.parametrize("module", modules(), ids=str)
def test_module_is_small(module: Path) -> None:
    """A file has at most 300 lines, a function at most 40 besides its docstring."""
    text = (PACKAGE / module).read_text()
    assert len(text.splitlines()) <= 300
    functions = [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    assert [function.name for function in functions if length(function) > 40] == []


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from `def` to the end, without the docstring."""
    first = function.body[0]
    described = ast.get_docstring(function) is not None
    return function.end_lineno - function.lineno + 1 - (first.end_lineno - first.lineno + 1 if described else 0)  # type: ignore[operator]


@pytest.mark.parametrize("module", modules(), ids=str)
def test_module_says_what_it_is(module: Path) -> None:
    """Its name is no drawer for everything, and it has a docstring."""
    assert module.stem not in {"utils", "util", "common", "base", "core", "manager", "handler", "handlers", "helpers"}
    assert ast.get_docstring(ast.parse((PACKAGE / module).read_text()))


def test_every_exception_is_in_one_tree() -> None:
    """Only bridge/errors.py defines exceptions, so its tree shows what may be raised."""
    strangers = [
        f"{path.relative_to(ROOT)}: {node.name}"
        for path in PACKAGE.rglob("*.py")
        if path.name != "errors.py"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef) and node.name.endswith(("Error", "Exception"))
    ]
    assert strangers == []


def test_every_test_states_its_claim() -> None:
    """A test's docstring says in a sentence what holds."""
    silent = [
        f"{path.relative_to(ROOT)}: {node.name}"
        for path in (ROOT / "tests").rglob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_") and not ast.get_docstring(node)
    ]
    assert silent == []


def test_no_unit_test_sleeps() -> None:
    """Unit and property tests turn a clock or wait for a condition; they never hope that some time is enough."""
    sleeps = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for folder in ("unit", "property", "contract")
        for path in (ROOT / "tests" / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in ("time.sleep", "asyncio.sleep", "sleep")
        and ast.unparse(node).endswith("sleep(0)") is False
    ]
    assert sleeps == []
