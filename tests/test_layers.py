"""The structure holds: imports point down alone, each foreign package is let in at one place, files stay small."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "sumu_dav"

LAYERS = (
    {"__main__"},
    {"server", "cli"},
    {"dav"},
    {"archive"},
    {"library", "catalog", "metadata", "auth"},
    {"settings"},
    {"commit"},
    {"model", "errors", "floor"},
)
"""From the top down. A part imports what stands in a row below its own, and nothing beside it."""

ALLOWED_IN = {
    "wsgidav": {"dav", "server"},
    "cheroot": {"server"},
    "tinydb": {"catalog"},
    "piexif": {"metadata"},
    "argon2": {"auth"},
    "yaml": {"settings"},
}
"""The parts of the package that may import a foreign one."""

LONGEST_FILE = 400
"""Lines. At 300 a file is looked at and split where it has two reasons to change; beyond this it has."""

TOP_LEVEL = {
    *(".ci", ".gitignore", "CHANGELOG.md", "LICENSE", "Makefile", "README.md", "benchmarks", "config", "docs"),
    *("pyproject.toml", "requirements.txt", "sumu_dav", "tests", "wsgidav.yaml"),
}
"""What the root of the repository holds, and no more."""

SOURCES = sorted(PACKAGE.rglob("*.py"))


def part_of(path: Path) -> str:
    """`library` of sumu_dav/library/tree.py, `model` of sumu_dav/model.py, `` of sumu_dav/__init__.py."""
    first = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    return "" if first == "__init__" else first


def imports(path: Path) -> Iterator[str]:
    """The dotted names of all the modules that a file imports, wherever in it."""
    package = ["sumu_dav", *path.relative_to(PACKAGE).parent.parts]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) + 1 - node.level]) if node.level else ""
            module = ".".join(filter(None, (base, node.module)))
            # `from sumu_dav import errors` imports a part by the name behind `import`.
            yield from (f"{module}.{name.name}" for name in node.names)


def row_of(part: str) -> int:
    rows = [row for row, parts in enumerate(LAYERS) if part in parts]
    assert rows, f"sumu_dav/{part} belongs to no layer"
    return rows[0]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_down_alone(path: Path) -> None:
    part = part_of(path)
    for name in imports(path):
        top, _, rest = name.partition(".")
        imported = rest.partition(".")[0]
        if top != "sumu_dav" or imported == part or imported.startswith("__"):
            continue
        assert part, f"sumu_dav/__init__.py imports {name}"
        assert row_of(imported) > row_of(part), f"{path.relative_to(ROOT)} imports {name}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_foreign_package_is_let_in_at_one_place(path: Path) -> None:
    for name in imports(path):
        foreign = name.partition(".")[0]
        assert part_of(path) in ALLOWED_IN.get(foreign, {part_of(path)}), f"{path.relative_to(ROOT)} imports {name}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_file_opens_with_what_it_is_for_and_stays_small(path: Path) -> None:
    text = path.read_text()

    assert ast.get_docstring(ast.parse(text)), f"{path.relative_to(ROOT)} has no docstring"
    assert len(text.splitlines()) <= LONGEST_FILE


def test_the_layers_name_what_is_there() -> None:
    there = {part_of(path) for path in SOURCES} - {""}

    assert there <= set().union(*LAYERS)


def test_the_root_holds_what_it_should() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("this is no checkout: what belongs to the project can't be told from what was made in it")
    tracked = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\0")

    assert {name.split("/")[0] for name in tracked if name} <= TOP_LEVEL
