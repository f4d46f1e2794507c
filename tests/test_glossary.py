"""The glossary's names exist in the code, its terms are sorted, and words that it replaced do not come back."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from service.generation.requests import FinishReason

ROOT = Path(__file__).parent.parent
GLOSSARY = (ROOT / "docs/glossary.md").read_text(encoding="utf-8")
PACKAGES = ("charrnn", "console", "durable", "model_store", "service")
SOURCES = {path: path.read_text(encoding="utf-8") for each in PACKAGES for path in (ROOT / each).rglob("*.py")}
GROUPS = re.findall(r"^## (.+)\n((?:.*\n)+?)(?=^## |\Z)", GLOSSARY, re.MULTILINE)
NAMES = sorted(set(re.findall(r"`(\w+)`", GLOSSARY)))
REPLACED = ("amiss", "nobody", "somebody", "whoever", "a word on", "(is|was|be) told", "census", "tickets?", "rooms")


def _terms(group: str) -> list[str]:
    return [row.strip("`").lower() for row in re.findall(r"^\| (.+?) \|", group, re.MULTILINE)][1:]


@pytest.mark.parametrize(("title", "group"), GROUPS, ids=[title for title, _ in GROUPS])
def test_the_terms_of_a_group_are_sorted(title: str, group: str) -> None:
    terms = _terms(group)
    assert terms == sorted(terms) and len(terms) > 1, title


def test_every_name_in_the_glossary_is_in_the_code() -> None:
    words = set(re.findall(r"\w+", " ".join(SOURCES.values())))
    assert len(NAMES) > 50
    assert [name for name in NAMES if name not in words] == []


def test_a_term_is_explained_once() -> None:
    terms = [term for _, group in GROUPS for term in _terms(group)]
    assert len(terms) == len(set(terms))


def test_every_reason_to_finish_is_in_the_glossary() -> None:
    (row,) = re.findall(r"^\| finish reason \|.*$", GLOSSARY, re.MULTILINE)
    assert [reason for reason in get_args(FinishReason) if f"`{reason}`" not in row] == []


@pytest.mark.parametrize("word", REPLACED)
def test_plain_english(word: str) -> None:
    pattern = re.compile(rf"\b{word}\b", re.IGNORECASE)
    assert [f"{path.relative_to(ROOT)}" for path, text in SOURCES.items() if pattern.search(text)] == []
