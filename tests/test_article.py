"""Every statement of the article has its row in docs/article.md, and what the rows name is there."""

from __future__ import annotations

import re
from typing import Final

import pytest

from service.api.pages.learn import PARTS
from service.api.pages.routes import PAGES
from tests.places import ROOT, defined

ARTICLE: Final = (ROOT / "docs/article.md").read_text(encoding="utf-8")
ROWS: Final = [
    [cell.strip() for cell in line.strip("|").split("|")] for line in ARTICLE.splitlines() if re.match(r"\| \d", line)
]
HEADINGS: Final = (
    "RNN",
    "Type of RNN",
    "Character-level language model",
    "Inference",
    "Training Shakespeare's plays",
    "Other examples",
    "BPTT (Backpropagation through time)",
    "How RNN works",
    "Vanishing/Exploding gradient in RNN",
)
"""Those of the article, in its order."""

PATHS: Final = sorted(
    {path for row in ROWS for cell in row[2:4] for path in re.findall(r"`([\w/.-]+\.(?:py|js))[`:]", cell)}
)
PLACES: Final = sorted(
    {each for row in ROWS for cell in row[2:4] for each in re.findall(r"`([\w/]+\.py: [^`]+)`", cell)}
)
ANCHORS: Final = {f"/ui/learn#{part.name}" for part in PARTS}
LINKS: Final = set(re.findall(r"\]\(([^)]+)\)", ARTICLE))


def test_the_articles_headings_are_all_there_in_order() -> None:
    assert tuple(re.findall(r"^## (.+)$", ARTICLE, re.MULTILINE)) == HEADINGS


def test_no_number_is_left_out_and_no_section_is_empty() -> None:
    assert [int(row[0]) for row in ROWS] == list(range(1, len(ROWS) + 1))
    for section in ARTICLE.split("\n## ")[1:]:
        assert re.search(r"^\| \d", section, re.MULTILINE), section[:40]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_statement_is_realised_somewhere_held_to_by_a_test_and_seen_on_a_page(row: list[str]) -> None:
    _, statement, code, tests, pages = row
    assert statement and re.search(r"`\w+/", code)
    assert re.search(r"`tests/[\w/]+\.py: (test|check)_\w+`", tests)
    found = re.findall(r"`(/[^`]*)`", pages)
    assert found and set(found) <= {page.path for page in PAGES} | ANCHORS


@pytest.mark.parametrize("path", PATHS)
def test_a_path_is_in_the_tree(path: str) -> None:
    assert (ROOT / path).is_file()


@pytest.mark.parametrize("place", PLACES)
def test_a_definition_is_where_the_table_says(place: str) -> None:
    path, names = place.split(": ")
    assert set(names.split(", ")) <= defined(ROOT / path)


def test_a_link_leads_to_a_heading_of_a_document() -> None:
    for link in LINKS:
        document, _, heading = link.partition("#")
        text = (ROOT / "docs" / document).read_text(encoding="utf-8")
        slugs = {
            re.sub(r"[^\w -]", "", each).lower().replace(" ", "-") for each in re.findall(r"^#+ (.+)$", text, re.M)
        }
        assert not heading or heading in slugs, link


def test_every_part_of_the_page_is_named() -> None:
    assert {page for row in ROWS for page in re.findall(r"`(/ui/learn#[^`]*)`", row[4])} >= ANCHORS
