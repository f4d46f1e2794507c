"""What each annotator says of a text, written under it: ^ where the label holds, once that character has been read."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from charrnn.interpretation.annotators import ANNOTATORS, BY_SLUG
from charrnn.interpretation.delimiters import double_quotes
from charrnn.interpretation.labels import is_mask, occurrences

TEXTS = st.text(alphabet="ab R.:\n\t\"'()[]{}/*#<>$\\:7if ", max_size=60)

CAUSAL = [
    "upper-case",
    "digit",
    "indentation",
    "line-position",
    "word-position",
]
"""Those whose labels never change when the text goes on; the others look ahead to tell a name, a link, a comment, or
what has no partner."""

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
    ("double-quotes", "said \u201eja\u201c, \u201enein\u201c", "     ^^^   ^^^^^ "),
    ("double-quotes", "\u00bbja\u00ab, \u00ab oui \u00bb", "^^^   ^^^^^^ "),
    ("double-quotes", 'a 5" disk and "it is" so', "              ^^^^^^       "),
    ("double-quotes", '"He said "no," she', "         ^^^^    "),
    ("double-quotes", 'as he said." Then "yes," she', "                  ^^^^^     "),
    ("double-quotes", 'f("a " % b, "") + "c"', "  ^^^             ^^ "),
    (
        "double-quotes",
        '''    """A.

    B."""
    c = "d"''',
        "    " + "^" * 15 + " " * 10 + "^^ ",
    ),
    ("double-quotes", 'a = 1 """\n\ndef f(x):\n    """A."""\n    b', " " * 25 + "^" * 7),
    ("parentheses", "a) (b", "     "),
    ("parentheses", "so :( but (not) c", "          ^^^^   "),
    ("parentheses", "c = '('; d", "          "),
    ("parentheses", "(open\n\nclosed)", "              "),
    ("brackets", "a[i[0]] = 1", " ^^^^^     "),
    ("braces", "f() {\n\tg();\n\n\tif (a) {\n\t\tb;\n}\nc", "    " + "^" * 24 + "   "),
    ("braces", "/* { */\n\nint f() {\n\tg();\n}\n", " " * 17 + "^" * 8 + "  "),
    ("braces", "f() {\n\n#if A\n\tb;\n\nout:\n}\n", "    " + "^" * 19 + "   "),
    ("condition", "if (a && f(b)) c(d);", "   ^^^^^^^^^^       "),
    ("condition", "\telif a in b:\n\t\tpass", "     ^^^^^^^         "),
    ("condition", "as if (gif) gif(x)", "      ^^^^        "),
    ("condition", "what if he comes: then", "                      "),
    ("comment", "a /* b */ c // d\ne", "   ^^^^^     ^^^  "),
    ("comment", 'see "/* no */" http://a.b', "                         "),
    ("comment", "ls src/*.c\nint a; /* b */", " " * 19 + "^" * 5),
    ("comment", "any */*; /* b */", " " * 10 + "^" * 5),
    ("comment", "a /* b\nc /* d */", " " * 10 + "^" * 5),
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
    assume('"""' not in text)  # which may begin a docstring, with blank lines
    after, alone = BY_SLUG[slug].label(text + "\n\n\n" + more), BY_SLUG[slug].label("\n\n\n" + more)
    assert after is not None
    assert alone is not None
    assert after[len(text) + 2 :].tolist() == alone[2:].tolist()


QUOTED = st.sampled_from(
    [
        '"Yes," he said, "if you\nlike it."',
        "She went away.",
        'He said: "No!" and "Never!" (or so\nshe thought) and [went] home.',
        '"Who is it?"',
        "It was late (very late) [see above].",
    ]
)
PARAGRAPHS = st.lists(QUOTED, min_size=1, max_size=8)


@given(PARAGRAPHS, PARAGRAPHS, PARAGRAPHS, st.sampled_from(['"', "(", ")", "[", "]"]), st.data())
@pytest.mark.parametrize("slug", ["double-quotes", "parentheses", "brackets"])
def test_a_stray_delimiter_changes_its_own_paragraph_alone(
    slug: str, first: list[str], second: list[str], third: list[str], stray: str, data: st.DataObject
) -> None:
    """Whatever the delimiter, and wherever it stands in the second paragraph."""
    before, own, after = ("\n\n".join(each) + "\n\n" for each in (first, second[:1], third))
    at = data.draw(st.integers(0, len(own) - 2))
    clean = BY_SLUG[slug].label(before + own + after)
    spoilt = BY_SLUG[slug].label(before + own[:at] + stray + own[at:] + after)
    assert clean is not None and spoilt is not None
    assert spoilt[: len(before)].tolist() == clean[: len(before)].tolist()
    assert spoilt[-len(after) :].tolist() == clean[-len(after) :].tolist()


@given(PARAGRAPHS, PARAGRAPHS)
def test_a_stray_quote_between_lines_turns_no_others_around(first: list[str], second: list[str]) -> None:
    """Without blank lines, where nothing but its neighbours tells what a quote is."""
    before, after = ("\n".join(each) + "\n" for each in (first, second))
    clean, spoilt = (double_quotes(before + own + after) for own in ("It is.\n", 'It is 5" .\n'))
    assert spoilt[: len(before)].tolist() == clean[: len(before)].tolist()
    assert spoilt[-len(after) :].tolist() == clean[-len(after) :].tolist()


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
