"""Every file and every definition that docs/code.md names is in the tree."""

from __future__ import annotations

import re

import pytest

from tests.places import ROOT, defined

MAP = (ROOT / "docs/code.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`([^`\n]+)`", MAP)))
SUFFIXES = (".py", ".html", ".js", ".css", ".md", ".yml", ".example")
PLACES = [name for name in NAMED if re.fullmatch(r"[\w./-]+\.py: .+", name)]
PATHS = [name for name in NAMED if name.endswith(("/", *SUFFIXES)) and " " not in name and not name.startswith("/")]
TERMS = [name for name in NAMED if re.fullmatch(r"[A-Z]\w*[a-z]\w*(\.\w+)?|[a-z]+_\w+", name)]
PLACEHOLDER = re.compile(r"(?<![A-Z_])[A-Z]{3,}(?=[./_])")
"""Stands for a name that the reader chooses, as in `templates/NAME.html`."""


@pytest.mark.parametrize("place", PLACES)
def test_a_definition_is_where_the_map_says(place: str) -> None:
    path, names = place.split(": ")
    assert set(names.split(", ")) <= defined(ROOT / path)


@pytest.mark.parametrize("path", PATHS)
def test_a_path_is_in_the_tree(path: str) -> None:
    pattern = PLACEHOLDER.sub("*", path)
    assert any(ROOT.glob(pattern)), path


def test_any_other_name_isdefined() -> None:
    packages = ("charrnn", "console", "durable", "model_store", "service")
    names = frozenset().union(*(defined(path) for each in packages for path in (ROOT / each).rglob("*.py")))
    assert [name for name in TERMS if name not in names] == []


def test_the_map_is_read() -> None:
    assert len(PLACES) > 60 and len(PATHS) > 20 and len(TERMS) > 25
