"""From a pattern to its automaton over a vocabulary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from charrnn.patterns.automaton import Automaton
from charrnn.patterns.naive import automaton_of
from charrnn.patterns.nodes import Alternation, Node, literal
from charrnn.patterns.syntax import parsed
from charrnn.vocabulary import Vocabulary

Kind = Literal["regex", "choice", "json_schema"]


@dataclass(frozen=True, slots=True)
class Pattern:
    """What a text has to fit: `source` is the regular expression, the JSON text of the schema, or the choices."""

    kind: Kind
    source: str | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Compiled:
    """A pattern's automaton, and the characters that the pattern names and does without, since the vocabulary does not
    have them; ascending."""

    automaton: Automaton
    skipped: tuple[str, ...] = ()


def compile_pattern(
    pattern: Pattern,
    vocabulary: Vocabulary,
    outputs: int,
    *,
    stop: Sequence[str] = (),  # noqa: ARG001
    allowed: Sequence[int] | None = None,  # noqa: ARG001
) -> Compiled:
    """The automaton of the texts that fit, spelled with the first `outputs` ids of the vocabulary.

    `stop`: only texts in which none of these occurs; `allowed`: only texts of these ids. Never takes the id of unknown
    tokens or of a mark. The same arguments give the same automaton, whose states are numbered canonically. Raises a
    PatternError (`charrnn.patterns.errors`).
    """
    if pattern.kind == "choice":
        node: Node = Alternation(tuple(map(literal, pattern.source)))
    else:
        node = parsed(str(pattern.source))
    return Compiled(automaton_of(node, vocabulary.characters, outputs))
