"""What each annotator says of a text, written under it: ^ where the label holds, once that character has been read."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.interpretation.annotators import ANNOTATORS, BY_SLUG
from charrnn.interpretation.labels import is_mask, occurrences

TEXTS = st.text(alphabet="ab R.:\n\t\"'()[]{}/*#<>$\\:7if ", max_size=60)

CAUSAL = [
    "double-quotes",
    "parentheses",
    "brackets",
    "braces",
    "upper-case",
    "digit",
    "indentation",
    "line-position",
    "word-position",
]
"""Those whose labels never change when the text goes on; the others look ahead to tell a name, a link, a comment."""

MARKED = [
    ("double-quotes", 'say "no" now', "    ^^^     "),
    ("double-quotes", r'"a\"b" c', "^^^^^   "),
    ("double-quotes", r'"a\\" c', "^^^^   "),
    ("double-quotes", "c == '\"' ? d", "            "),
    ("double-quotes", "\u201cyes\u201d no", "^^^^    "),
    ("double-quotes", 'one " left open\n\nnot here', "    ^^^^^^^^^^^^         "),
    ("single-quotes", "c == 'x' && d", "     ^^      "),
    ("single-quotes", "I don't say 'I don't' now", "            ^^^^^^^^     "),
    ("single-quotes", "'tis but thy name", "                 "),
    ("parentheses", "f(a, g(b)) + c", " ^^^^^^^^     "),
    ("parentheses", "a) (b", "   ^^"),
    ("parentheses", "c = '('; d", "          "),
    ("parentheses", "(open\n\nclosed", "^^^^^^       "),
    ("brackets", "a[i[0]] = 1", " ^^^^^     "),
    ("braces", "f() {\n\tg();\n\n\tif (a) {\n\t\tb;\n}\nc", "    " + "^" * 24 + "   "),
    ("condition", "if (a && f(b)) c(d);", "   ^^^^^^^^^^       "),
    ("condition", "\telif a in b:\n\t\tpass", "     ^^^^^^^         "),
    ("condition", "as if (gif) gif(x)", "      ^^^^        "),
    ("condition", "what if he comes: then", "                      "),
    ("comment", "a /* b */ c // d\ne", "   ^^^^^     ^^^  "),
    ("comment", 'see "/* no */" http://a.b', "                         "),
    ("hash-line", "a # b\n  # c\nd", "        ^^^  "),
    ("link", "see [[a b]] or https://c.d/e, f", "     ^^^^^     ^^^^^^^^^^^^^^   "),
    ("tag", "a < b <i>c</i>", "      ^^  ^^^ "),
    ("speaker", "\n\nROMEO:\nO, she: no\n\nFirst Citizen:\nBefore", "  ^^^^^              ^^^^^^^^^^^^^        "),
    ("speaker", "HAMLET. To be.\nOr not", "^^^^^^               "),
    ("upper-case", "aBCd", " ^^ "),
    ("digit", "a12b", " ^^ "),
]


@pytest.mark.parametrize(("slug", "text", "marks"), MARKED)
def test_what_is_marked(slug: str, text: str, marks: str) -> None:
    labels = BY_SLUG[slug].label(text)
    assert labels is not None
    assert "".join(" ^"[int(label)] for label in labels) == marks.ljust(len(text))[: len(text)]


@pytest.mark.parametrize(
    ("slug", "text", "numbers"),
    [
        ("line-position", "ab\nc", [1, 2, 0, 1]),
        ("word-position", "ab, c_d", [1, 2, 0, 0, 1, 2, 3]),
        ("indentation", "\tab\n  c\n\n d", [0, 8, 8, 8, 8, 8, 2, 2, 2, 2, 1]),
        ("indentation", "  \ta", [0, 0, 0, 8]),
    ],
)
def test_what_is_counted(slug: str, text: str, numbers: list[float]) -> None:
    labels = BY_SLUG[slug].label(text)
    assert labels is not None
    assert labels.tolist() == numbers


def test_formulas_are_looked_for_in_latex_alone() -> None:
    label = BY_SLUG["formula"].label
    assert label("it costs $5, not $6. " * 20) is None
    text = r"Let $x\in X$ \emph{be} \textbf{it}. " * 5
    labels = label(text)
    assert labels is not None
    assert text[5] == "x"
    assert labels[4:13].tolist() == [True] * 7 + [False] * 2
    assert occurrences(labels) == 5


def test_every_annotator_has_a_name_of_its_own() -> None:
    assert len(BY_SLUG) == len({annotator.name for annotator in ANNOTATORS}) == len(ANNOTATORS)
    assert all(slug.replace("-", "").isalpha() and slug.islower() for slug in BY_SLUG)


@given(TEXTS)
def test_a_label_for_every_character(text: str) -> None:
    for annotator in ANNOTATORS:
        labels = annotator.label(text)
        if labels is not None:
            assert labels.shape == (len(text),), annotator.slug
            assert labels.dtype in (np.bool_, np.float32), annotator.slug
            assert np.isfinite(labels).all()


@given(TEXTS, TEXTS)
@pytest.mark.parametrize("slug", CAUSAL)
def test_labels_do_not_change_when_the_text_continues(slug: str, text: str, more: str) -> None:
    before, after = BY_SLUG[slug].label(text), BY_SLUG[slug].label(text + more)
    assert before is not None
    assert after is not None
    assert after[: len(text)].tolist() == before.tolist()


@given(TEXTS, TEXTS)
@pytest.mark.parametrize("slug", ["double-quotes", "parentheses", "brackets"])
def test_a_blank_line_ends_what_was_left_open(slug: str, text: str, more: str) -> None:
    after, alone = BY_SLUG[slug].label(text + "\n\n\n" + more), BY_SLUG[slug].label("\n\n\n" + more)
    assert after is not None
    assert alone is not None
    assert after[len(text) + 2 :].tolist() == alone[2:].tolist()


@given(st.lists(st.booleans(), max_size=30))
def test_occurrences_are_counted(flags: list[bool]) -> None:
    expected = sum(1 for i, flag in enumerate(flags) if flag and (i == 0 or not flags[i - 1]))
    assert occurrences(np.array(flags, dtype=np.bool_)) == expected
    assert not flags or is_mask(np.array(flags))


def test_a_long_text_takes_no_time_to_speak_of() -> None:
    """Patterns that look ahead are bounded; a hundred thousand awkward characters are done before the test's limit."""
    text = "".join(random.Random(7).choices("<[(\"'$if /*\\{:a\n", k=100_000))
    for annotator in ANNOTATORS:
        labels = annotator.label(text)
        assert labels is None or len(labels) == len(text)
