"""What a drawn picture shows, for tests of whatever draws one."""

from __future__ import annotations

import re
from typing import Final
from xml.etree import ElementTree

SVG: Final = "{http://www.w3.org/2000/svg}"


def texts(svg: str) -> list[str]:
    """The picture's texts, in their order."""
    return [element.text or "" for element in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def lines(svg: str) -> list[list[tuple[float, float]]]:
    """The points of every line of a chart, legends left out."""
    found = []
    for element in ElementTree.fromstring(svg).iter(f"{SVG}path"):
        if element.get("class") == "line" and "h22" not in (element.get("d") or ""):
            numbers = [float(n) for n in re.findall(r"-?[\d.]+", element.get("d") or "")]
            found.append(list(zip(numbers[::2], numbers[1::2], strict=True)))
    return found
