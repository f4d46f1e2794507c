"""Labels what stands between delimiters: quotes, brackets, comments, conditions, links, tags, formulas. A blank line
closes everything, so that one unmatched delimiter does not affect the rest of the text."""

from __future__ import annotations

import re
from typing import Final

import numpy as np
import numpy.typing as npt

from charrnn.interpretation.labels import Mask, marked

_SINGLE: Final = re.compile(r"(?<!\w)'(?:\\.|[^'\\\n]|(?<=\w)'(?=\w))+'(?!\w)")
"""An apostrophe within a word is not a delimiter; a quote that is not closed on its line is not a quote ('tis)."""

_CODE: Final = re.compile(
    r'"(?:\\.|[^"\\\n])*"' r"|'(?:\\.|[^'\\\n])'" r"|(?P<block>/\*.*?(?:\*/|\Z))" r"|(?P<line>(?<![:/])//[^\n]*)",
    re.DOTALL,
)
"""Strings first, so that what looks like a comment within a string is not matched."""

_HASH: Final = re.compile(r"^[ \t]*#[^\n]*", re.MULTILINE)
_IF: Final = re.compile(r"\bif[ \t]*(\()|^[ \t]*(?:el)?if([ \t])(?=[^\n]*:[ \t]*$)", re.MULTILINE)
_LINK: Final = re.compile(r"(?P<wiki>\[\[[^\[\]\n]{1,200}\]\])|\b(?:https?|ftp)://[^\s\"'<>\[\](){}|]+")
_TAG: Final = re.compile(r"<[A-Za-z/!?][^<>\n]{0,300}>")
_FORMULA: Final = re.compile(
    r"\$\$.{1,2000}?\$\$|\$(?:\\.|(?!\n\s*\n)[^$\\]){1,300}\$|\\\[.{1,2000}?\\\]|\\\(.{1,300}?\\\)", re.DOTALL
)
_COMMAND: Final = re.compile(r"\\[A-Za-z]{2,}")
_COMMANDS: Final = 10
"""A text with fewer commands than this is not taken for LaTeX: its dollar signs are probably amounts of money."""


def double_quotes(text: str) -> Mask:
    """Inside "..." or curved quotes. A quote after a backslash is part of the text; one after an apostrophe does not
    open anything (the C character '"')."""
    inside = np.zeros(len(text), dtype=np.bool_)
    is_open, before = False, ""
    for i, c in enumerate(text):
        if c == '"' and before != "\\" and (is_open or before != "'"):
            is_open = not is_open
        elif c in "\u201c\u201d\u00ab\u00bb":
            is_open = c in "\u201c\u00ab"
        elif c == before == "\n":
            is_open = False
        inside[i] = is_open
        before = "" if before == "\\" else c
    return inside


def single_quotes(text: str) -> Mask:
    """Inside '...' on one line."""
    return marked(len(text), [(m.start(), m.end() - 1) for m in _SINGLE.finditer(text)])


def parentheses(text: str) -> Mask:
    """Inside (...), however deep."""
    return _depths(text, "(", ")", "\n\n") > 0


def brackets(text: str) -> Mask:
    """Inside [...], however deep."""
    return _depths(text, "[", "]", "\n\n") > 0


def braces(text: str) -> Mask:
    """Inside {...}, however deep; a closing brace at the start of a line closes all, blank lines close nothing."""
    return _depths(text, "{", "}", "\n}") > 0


def condition(text: str) -> Mask:
    """Between the parentheses of `if (...)`; in Python, between `if` or `elif` and the colon that ends the line."""
    depths = _depths(text, "(", ")", "\n\n")
    spans = []
    for m in _IF.finditer(text):
        start = m.start(m.lastindex or 0)
        if m[1]:
            ended = np.flatnonzero(depths[start:] < depths[start])
            spans.append((start, start + int(ended[0]) if ended.size else len(text)))
        else:
            spans.append((start, text.rindex(":", start, _line_end(text, start))))
    return marked(len(text), spans)


def comment(text: str) -> Mask:
    """Inside /* ... */ or after // to the line's end, in languages like C; // in a URL is not a comment."""
    spans = []
    for m in _CODE.finditer(text):
        if m["block"] is not None:
            spans.append((m.start() + 1, m.end() - m["block"].endswith("*/")))
        elif m["line"] is not None:
            spans.append((m.start() + 1, m.end()))
    return marked(len(text), spans)


def hash_line(text: str) -> Mask:
    """After a # that begins a line: a comment of Python, a directive of C, a heading of Markdown."""
    return marked(len(text), [(m.end() - len(m[0].lstrip()), m.end()) for m in _HASH.finditer(text)])


def link(text: str) -> Mask:
    """In a URL (https://...), or inside [[...]]."""
    return marked(len(text), [(m.start() + 1, m.end() - 1) if m["wiki"] else m.span() for m in _LINK.finditer(text)])


def tag(text: str) -> Mask:
    """Inside <...> on one line."""
    return marked(len(text), [(m.start(), m.end() - 1) for m in _TAG.finditer(text)])


def formula(text: str) -> Mask | None:
    r"""In LaTeX, inside $...$, $$...$$, \(...\) or \[...\]; None for other texts."""
    if len(_COMMAND.findall(text)) < _COMMANDS:
        return None
    return marked(len(text), [(m.start(), m.end() - 1) for m in _FORMULA.finditer(text)])


def _depths(text: str, opening: str, closing: str, end: str) -> npt.NDArray[np.int32]:
    """How many brackets are open after each character; 0 after `end`. Brackets after an apostrophe ('(') and unmatched
    closing brackets are ignored."""
    depths = np.zeros(len(text), dtype=np.int32)
    depth, before = 0, ""
    for i, c in enumerate(text):
        if before + c == end:
            depth = 0
        elif before != "'":
            depth = max(0, depth + (c == opening) - (c == closing))
        depths[i] = depth
        before = c
    return depths


def _line_end(text: str, start: int) -> int:
    end = text.find("\n", start)
    return len(text) if end < 0 else end
