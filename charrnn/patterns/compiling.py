"""From a pattern to its automaton over a vocabulary."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from charrnn.following import Following
from charrnn.patterns.automaton import Automaton
from charrnn.patterns.bounds import MAX_STATES, Work
from charrnn.patterns.choices import Choices
from charrnn.patterns.errors import (
    EmptyPatternError,
    NothingLeftError,
    PatternError,
    PatternTooLargeError,
    UnknownPatternCharactersError,
)
from charrnn.patterns.examples import shortest
from charrnn.patterns.expressions import Expression
from charrnn.patterns.joining import joined
from charrnn.patterns.minimizing import minimized
from charrnn.patterns.reasons import fewest_unknown
from charrnn.patterns.schema import schema_node
from charrnn.patterns.spelling import spelled
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
    """A pattern's automaton, and the characters (of choices: words too) that the pattern names and does without, since
    the vocabulary does not have them; ascending."""

    automaton: Automaton
    skipped: tuple[str, ...] = ()


def compile_pattern(
    pattern: Pattern,
    vocabulary: Vocabulary,
    outputs: int,
    *,
    stop: Sequence[str] = (),
    allowed: Collection[int] | None = None,
) -> Compiled:
    """The automaton of the texts that fit, spelled with the first `outputs` ids of the vocabulary.

    `stop`: only texts in which none of these occurs; `allowed`: only texts of these ids. Never takes the id of unknown
    tokens or of a mark. The same arguments give the same automaton, whose states are numbered canonically. Raises a
    PatternError (`charrnn.patterns.errors`).
    """
    language = language_of(pattern)
    stop = tuple(filter(None, stop))
    texts = _texts(vocabulary, outputs)
    chosen = texts if allowed is None else {id_: text for id_, text in texts.items() if id_ in set(allowed)}
    automaton = _automaton(language, chosen, outputs, stop, vocabulary.following)
    if automaton is None:
        raise _reason(language, vocabulary, texts, outputs, stop)
    if pattern.kind != "choice" and len(automaton) > MAX_STATES:
        raise PatternTooLargeError("states", MAX_STATES)
    return Compiled(automaton, tuple(sorted(_skipped(language, vocabulary))))


def language_of(pattern: Pattern) -> Expression | Choices:
    """What fits the pattern, whatever the vocabulary."""
    if isinstance(pattern.source, tuple):
        return Choices(pattern.source)
    return Expression(schema_node(pattern.source) if pattern.kind == "json_schema" else parsed(pattern.source))


def _texts(vocabulary: Vocabulary, outputs: int) -> dict[int, str]:
    """What each id spells that a text may have."""
    spelling = vocabulary.tokens_of(range(min(outputs, vocabulary.text_size)))
    return {id_: text for id_, text in enumerate(spelling) if id_ != vocabulary.unknown_id}


def _automaton(
    language: Expression | Choices,
    texts: dict[int, str],
    outputs: int,
    stop: Sequence[str],
    following: Following | None = None,
) -> Automaton | None:
    """The smallest automaton over ids that spell these texts, each of which may follow those before it; None if no text
    fits."""
    characters = "".join(sorted(set("".join(texts.values()))))
    table, alphabet = language.table(characters, stop)
    work = Work()
    table, columns = spelled(table, alphabet, texts, outputs, work)
    if following is not None:
        table, columns = joined(table, columns, following, work)
    return minimized(table, columns, work)


def _skipped(language: Expression | Choices, vocabulary: Vocabulary) -> set[str]:
    """What the pattern names and the vocabulary does not have."""
    unknown = language.named.difference(vocabulary.characters)
    if isinstance(language, Choices) and vocabulary.level == "word":
        unknown.update(word for choice in language.choices for _, word in vocabulary.encode_known(choice)[1])
    return unknown


def _reason(
    language: Expression | Choices, vocabulary: Vocabulary, texts: dict[int, str], outputs: int, stop: Sequence[str]
) -> PatternError:
    """Why no text fits."""
    characters = vocabulary.characters
    following = vocabulary.following
    if _automaton(language, texts, outputs, stop, following):
        return NothingLeftError("allowed_token_ids")
    if stop and _automaton(language, texts, outputs, (), following):
        return NothingLeftError("stop")
    if of_characters := _over(language, characters):
        text = "".join(characters[id_] for id_ in shortest(of_characters))
        return UnknownPatternCharactersError([word for _, word in vocabulary.encode_known(text)[1]], "word")
    wider = language.wider(characters)
    if fitting := _over(language, wider):
        known = [character in set(characters) for character in wider]
        return UnknownPatternCharactersError([wider[id_] for id_ in fewest_unknown(fitting, known)])
    return EmptyPatternError()


def _over(language: Expression | Choices, characters: str) -> Automaton | None:
    """The smallest automaton over these characters, each of which is an id."""
    return _automaton(language, dict(enumerate(characters)), len(characters), ())
