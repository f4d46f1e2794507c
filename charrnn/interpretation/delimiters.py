"""Labels what stands between delimiters: quotes, brackets, comments, conditions, links, tags, formulas. A delimiter
without a partner is none: it does not affect the rest of the text."""

from __future__ import annotations

import math
import re
from typing import Final

from charrnn.interpretation.labels import Mask, marked
from charrnn.interpretation.pairing import BLANK, bracket_pairs, marked_pairs

LONGEST: Final = 2_000
"""What is open for more characters than this, without a blank line, was not closed but met a stray bracket."""

_DOUBLE: Final = re.compile(
    r"\\.|'\"'"
    r'|(?P<span>"{3}(?:(?!"{3}|^[ \t]*(?:async )?(?:def|class) \w[^\n]*:[ \t]*$)[\s\S]){1,20000}?"{3})|"{2,3}'
    rf'|(?P<mark>["\u201c\u201d\u201e\u00ab\u00bb])|(?P<blank>{BLANK})',
    re.MULTILINE | re.DOTALL,
)
"""A quote after a backslash is part of the text, the C character '"' is not a quote. Python's docstrings have blank
lines; if what looks like one contains a definition, a closing delimiter was taken for an opening one."""

_SINGLE: Final = re.compile(r"(?<!\w)'(?:\\.|[^'\\\n]|(?<=\w)'(?=\w))+'(?!\w)")
"""An apostrophe within a word is not a delimiter; a quote that is not closed on its line is not a quote ('tis)."""

_CODE: Final = re.compile(
    r'"(?:\\.|[^"\\\n])*"'
    r"|'(?:\\.|[^'\\\n])'"
    r"|(?P<block>(?<![\w./*])/\*(?:(?!/\*).){0,20000}?\*/)"
    r"|(?P<line>(?<![:/])//[^\n]*)",
    re.DOTALL,
)
"""Strings first, so that what looks like a comment within a string is not matched; nor is /* in a path."""

_NEW: Final = BLANK + r"\n(?=[^\s{}()\[\]#])(?!\w+[ \t]*:(?!:))"
"""A blank line before a line at the margin that is neither a directive nor a label of C."""

_HASH: Final = re.compile(r"^[ \t]*#[^\n]*", re.MULTILINE)
_IF: Final = re.compile(r"\bif[ \t]*(\()|^[ \t]*(?:el)?if([ \t])(?=[^\n]*:[ \t]*$)", re.MULTILINE)
_LINK: Final = re.compile(r"(?P<wiki>\[\[[^\[\]\n]{1,200}\]\])|\b(?:https?|ftp)://[^\s\"'<>\[\](){}|]+")
_TAG: Final = re.compile(r"<[A-Za-z/!?][^<>\n]{0,300}>")
_FORMULA: Final = re.compile(
    r"(?P<span>\$\$.{1,2000}?\$\$|\\\[.{1,2000}?\\\]|\\\(.{1,300}?\\\))|\\."
    rf"|(?P<mark>\$)|(?P<blank>{BLANK})",
    re.DOTALL,
)
_COMMAND: Final = re.compile(r"\\[A-Za-z]{2,}")
_COMMANDS: Final = 10
"""A text with fewer commands than this is not taken for LaTeX: its dollar signs are probably amounts of money."""


def double_quotes(text: str) -> Mask:
    """Inside "..." or curved quotes. Where a paragraph does not close what it opens, all the rest of it is inside: the
    next one may go on with what is said."""
    return marked(len(text), marked_pairs(text, _DOUBLE))


def single_quotes(text: str) -> Mask:
    """Inside '...' on one line."""
    return marked(len(text), [(m.start(), m.end() - 1) for m in _SINGLE.finditer(text)])


def parentheses(text: str) -> Mask:
    """Inside (...), however deep; a blank line ends what is open."""
    return marked(len(text), bracket_pairs(text, "(", ")", BLANK, longest=LONGEST))


def brackets(text: str) -> Mask:
    """Inside [...], however deep; a blank line ends what is open."""
    return marked(len(text), bracket_pairs(text, "[", "]", BLANK, longest=LONGEST))


def braces(text: str) -> Mask:
    """Inside {...}, however deep; a closing brace at the start of a line closes all. Blank lines close nothing, unless
    something new begins after one, at the margin."""
    return marked(len(text), bracket_pairs(text, "{", "}", _NEW))


def condition(text: str) -> Mask:
    """Between the parentheses of `if (...)`; in Python, between `if` or `elif` and the colon that ends the line."""
    closing = dict(bracket_pairs(text, "(", ")", BLANK, longest=LONGEST))
    spans = []
    for m in _IF.finditer(text):
        start = m.start(m.lastindex or 0)
        if m[1] is None:
            spans.append((start, text.rindex(":", start, _line_end(text, start))))
        elif start in closing:
            spans.append((start, closing[start]))
    return marked(len(text), spans)


def comment(text: str) -> Mask:
    """Inside /* ... */ or after // to the line's end, in languages like C; // in a URL is not a comment."""
    spans = []
    for m in _CODE.finditer(text):
        if m["block"] is not None:
            spans.append((m.start() + 1, m.end() - 1))
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
    return marked(len(text), marked_pairs(text, _FORMULA, unclosed=math.inf))


def _line_end(text: str, start: int) -> int:
    end = text.find("\n", start)
    return len(text) if end < 0 else end
