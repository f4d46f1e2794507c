"""All annotators, the properties of text that units are searched for; to add one, write a function from a text to
labels, and a line here."""

from __future__ import annotations

from typing import Final

from charrnn.interpretation import delimiters, positions
from charrnn.interpretation.labels import Annotator

ANNOTATORS: Final = (
    Annotator("double-quotes", "inside double quotes", delimiters.double_quotes),
    Annotator("single-quotes", "inside single quotes", delimiters.single_quotes),
    Annotator("parentheses", "inside parentheses", delimiters.parentheses),
    Annotator("brackets", "inside square brackets", delimiters.brackets),
    Annotator("braces", "inside braces", delimiters.braces),
    Annotator("condition", "the condition of an if", delimiters.condition),
    Annotator("comment", "inside a comment", delimiters.comment),
    Annotator("hash-line", "in a line that begins with #", delimiters.hash_line),
    Annotator("link", "in a link", delimiters.link),
    Annotator("tag", "inside a tag", delimiters.tag),
    Annotator("formula", "inside a formula", delimiters.formula),
    Annotator("speaker", "the speaker's name in a play", positions.speaker),
    Annotator("upper-case", "a capital letter", positions.upper_case),
    Annotator("digit", "a digit", positions.digit),
    Annotator("indentation", "depth of indentation", positions.indentation),
    Annotator("line-position", "position in the line", positions.line_position),
    Annotator("word-position", "position in the word", positions.word_position),
)

BY_SLUG: Final = {annotator.slug: annotator for annotator in ANNOTATORS}
