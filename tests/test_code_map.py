"""Every file and every definition that docs/code.md names is in the tree."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MAP = (ROOT / "docs/code.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`([^`\n]+)`", MAP)))
SUFFIXES = (".py", ".html", ".js", ".css", ".md", ".yml", ".example")
PLACES = [name for name in NAMED if re.fullmatch(r"[\w./-]+\.py: .+", name)]
PATHS = [name for name in NAMED if name.endswith(("/", *SUFFIXES)) and " " not in name and not name.startswith("/")]
TERMS = [name for name in NAMED if re.fullmatch(r"[A-Z]\w*[a-z]\w*(\.\w+)?|[a-z]+_\w+", name)]
PLACEHOLDER = re.compile(r"(?<![A-Z_])[A-Z]{3,}(?=[./_])")
"""Stands for a name that the reader chooses, as in `templates/NAME.html`."""


def _targets(node: ast.AST) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return [each.attr if isinstance(each, ast.Attribute) else ast.unparse(each) for each in targets]


@cache
def _defined(path: Path) -> frozenset[str]:
    """The names that a module defines, in functions too; what a class defines is also there as Class.name."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        found.update(_targets(node))
        if isinstance(node, ast.ClassDef):
            found.update(f"{node.name}.{name}" for each in ast.walk(node) for name in _targets(each))
    return frozenset(found)


@pytest.mark.parametrize("place", PLACES)
def test_a_definition_is_where_the_map_says(place: str) -> None:
    path, names = place.split(": ")
    assert set(names.split(", ")) <= _defined(ROOT / path)


@pytest.mark.parametrize("path", PATHS)
def test_a_path_is_in_the_tree(path: str) -> None:
    pattern = PLACEHOLDER.sub("*", path)
    assert any(ROOT.glob(pattern)), path


def test_any_other_name_is_defined() -> None:
    packages = ("charrnn", "console", "durable", "model_store", "service")
    defined = frozenset().union(*(_defined(path) for each in packages for path in (ROOT / each).rglob("*.py")))
    assert [name for name in TERMS if name not in defined] == []


def test_the_map_is_read() -> None:
    assert len(PLACES) > 60 and len(PATHS) > 20 and len(TERMS) > 25
