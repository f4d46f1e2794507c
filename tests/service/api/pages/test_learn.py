"""The page Learn: each part is whole, quotes the code as it is, and all of them together are small."""

from __future__ import annotations

import ast
import html
import re
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from service.api.pages import learn
from service.api.pages.learn import PARTS, Part

PAGES = Path(learn.__file__).parent
ROOT = PAGES.parents[2]
STATIC = PAGES / "static"
MOST_BYTES = 50_000


@pytest.fixture
def page(shared_client: FlaskClient) -> str:
    return shared_client.get("/ui/learn").text


def section_of(page: str, part: Part) -> str:
    found = re.search(rf'<section class="part" id="{part.name}".*?(?=<section class="part"|</main>)', page, re.DOTALL)
    assert found is not None, part.name
    return found.group()


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_a_part_has_a_script_a_place_in_the_contents_the_code_and_an_example(page: str, part: Part) -> None:
    assert (STATIC / "learn" / f"{part.name}.js").is_file()
    assert f'<a href="#{part.name}">{part.title}</a>' in page
    section = section_of(page, part)
    assert re.search(r'data-place="[^"]+"', section)
    assert re.search(r'data-language="(curl|Python)"', section)


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_a_part_quotes_the_code_as_it_is(page: str, part: Part) -> None:
    quoted = re.findall(r'<code data-place="([^"]+)">(.*?)</code>', section_of(page, part), re.DOTALL)
    for place, equation in quoted:
        source = definition(*place.split(": "))
        for line in html.unescape(equation).splitlines():
            assert line.strip() in source, f"{place} does not say {line!r}"


def definition(path: str, name: str) -> str:
    """The source of a function, a class, or a method, as `Class.method`."""
    text = (ROOT / path).read_text(encoding="utf-8")
    node: ast.AST = ast.parse(text)
    for each in name.split("."):
        (node,) = (inner for inner in ast.iter_child_nodes(node) if getattr(inner, "name", None) == each)
    return ast.get_source_segment(text, node) or ""


def test_all_of_it_is_half_of_100_kilobytes_packed_beside_what_pages_share(shared_client: FlaskClient) -> None:
    """As a browser asks for it, with every part loaded."""
    address = re.search(r'src="(/ui/files/\w+/)learn\.js"', shared_client.get("/ui/learn").text)
    assert address is not None
    files = [
        path for path in STATIC.rglob("*") if path.is_file() and path.relative_to(STATIC).parts[0].startswith("learn")
    ]
    paths = [f"{address.group(1)}{path.relative_to(STATIC).as_posix()}" for path in files]
    replies = [shared_client.get(path, headers={"Accept-Encoding": "gzip"}) for path in ("/ui/learn", *paths)]
    assert {f"{part.name}.js" for part in PARTS} | {"learn.js", "learn.css", "network.js"} <= {
        each.name for each in files
    }
    assert {reply.headers["Content-Encoding"] for reply in replies} == {"gzip"}
    assert sum(len(reply.data) for reply in replies) < MOST_BYTES
