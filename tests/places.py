"""What the code defines: documents name definitions, and tests look them up."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent


def _targets(node: ast.AST) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return [each.attr if isinstance(each, ast.Attribute) else ast.unparse(each) for each in targets]


@cache
def defined(path: Path) -> frozenset[str]:
    """The names that a module defines, in functions too; what a class defines is also there as Class.name."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        found.update(_targets(node))
        if isinstance(node, ast.ClassDef):
            found.update(f"{node.name}.{name}" for each in ast.walk(node) for name in _targets(each))
    return frozenset(found)
