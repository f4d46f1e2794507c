"""Pictures are read back: the SVG by an XML parser, the PNG pixel by pixel."""

from __future__ import annotations

import io
import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from service.pictures.coloured_text import ColouredText, coloured_text
from service.pictures.page import HEAD, MAX_LINES, ROW, WIDTH
from service.pictures.scales import BLUE, RED, WHITE, signed
from tests.laws import examples

SVG = "{http://www.w3.org/2000/svg}"
STATE = signed("hidden state")


def texts(svg: str) -> list[str]:
    return ["".join(found.itertext()) for found in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def picture(text: str, value: float = 1.0) -> ColouredText:
    return coloured_text("a title", list(text), [value] * len(text), STATE)


def opened(drawn: ColouredText) -> Image.Image:
    image = Image.open(io.BytesIO(drawn.png()))
    assert image.format == "PNG"
    return image.convert("RGB")


def test_an_svg_has_each_value_where_its_token_stands() -> None:
    svg = coloured_text("plays@3", ["be", " ", "<"], [-1, None, 0.1234567], STATE).svg()
    root = ElementTree.fromstring(svg)
    assert root.get("aria-label") == "plays@3"
    rectangles = [each for each in root.iter(f"{SVG}rect") if each.find(f"{SVG}title") is not None]
    assert [(each.get("x"), each.get("width")) for each in rectangles] == [("24", "24"), ("60", "12")]
    assert [each.findtext(f"{SVG}title") for each in rectangles] == ["'be': -1", "'<': 0.1235"]
    assert rectangles[0].get("fill") == "#{:02x}{:02x}{:02x}".format(*RED)
    assert {"plays@3", "be<", "·", "hidden state", "-1", "+1"} <= set(texts(svg))


def test_nothing_in_a_text_is_markup() -> None:
    svg = coloured_text('"><script>', ["<script>", "&", "]]>"], [1, 1, 1], signed("<b>")).svg()
    assert "<script" not in svg
    assert "<b>" not in svg
    assert "<script>&]]>" in texts(svg)


@examples(50)
@given(tokens=st.lists(st.text(st.characters(codec=None), max_size=5), max_size=30), title=st.text(st.characters()))
def test_whatever_the_text_is_the_svg_is_xml(tokens: list[str], title: str) -> None:
    svg = coloured_text(title, tokens, [0.5] * len(tokens), STATE).svg()
    ElementTree.fromstring(svg.encode("utf-8"))


@examples(20)
@given(tokens=st.lists(st.text(st.characters(codec=None), max_size=5), max_size=30), title=st.text(max_size=20))
def test_whatever_the_text_is_there_is_a_png(tokens: list[str], title: str) -> None:
    image = opened(coloured_text(f"{title}\n", tokens, [0.5] * len(tokens), STATE))
    assert image.width == WIDTH


def test_a_png_has_the_colours() -> None:
    image = opened(coloured_text("a title", ["a", "b", "c"], [-1, 1, None], STATE))
    corners = [image.getpixel((24 + 12 * column, HEAD)) for column in range(3)]
    assert corners == [RED, BLUE, WHITE]


@pytest.mark.parametrize("character", ["a", "é", "Ω", "Ж", "ế", "ش", "日", "\u0301", "\u200b", "😀", " ", "\n", "\t"])
def test_every_character_leaves_ink(character: str) -> None:
    image = opened(picture(character, 0.0)).crop((24, HEAD, 24 + 48, HEAD + ROW))
    assert len(image.getcolors() or []) > 1


def test_characters_that_the_font_lacks_differ() -> None:
    assert opened(picture("日")).tobytes() != opened(picture("本")).tobytes()


def test_a_text_of_too_many_lines_is_cut_and_says_so() -> None:
    cut = picture("\n" * (MAX_LINES + 7))
    assert "7 more lines are not drawn" in texts(cut.svg())
    assert opened(cut).height == cut.page.height < 13_000
    assert "not drawn" not in picture("\n" * MAX_LINES).svg()


def test_a_text_of_nothing() -> None:
    assert re.search("<svg", picture("").svg())
    assert opened(picture("")).height > 0


def test_each_token_has_a_value() -> None:
    with pytest.raises(ValueError, match="each of the 2 tokens, not 1"):
        coloured_text("a title", ["a", "b"], [1.0], STATE)
