"""From a pattern to its automaton over a vocabulary."""

from __future__ import annotations

from collections.abc import Collection, Sequence, Set
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
    compilation = _Compilation(language_of(pattern), vocabulary, outputs)
    stop = tuple(filter(None, stop))
    automaton = compilation.automaton(stop, None if allowed is None else frozenset(allowed))
    if automaton is None:
        raise compilation.reason(stop, limited=allowed is not None)
    if pattern.kind != "choice" and len(automaton) > MAX_STATES:
        raise PatternTooLargeError("states", MAX_STATES)
    return Compiled(automaton, tuple(sorted(compilation.skipped())))


def language_of(pattern: Pattern) -> Expression | Choices:
    """What fits the pattern, whatever the vocabulary."""
    if isinstance(pattern.source, tuple):
        return Choices(pattern.source)
    return Expression(schema_node(pattern.source) if pattern.kind == "json_schema" else parsed(pattern.source))


class _Compilation:
    """All that is tried for one pattern, whose work is counted together."""

    def __init__(self, language: Expression | Choices, vocabulary: Vocabulary, outputs: int) -> None:
        self._language, self._vocabulary, self._outputs = language, vocabulary, outputs
        self._work = Work()
        spelling = vocabulary.tokens_of(range(min(outputs, vocabulary.text_size)))
        self._texts = {id_: text for id_, text in enumerate(spelling) if id_ != vocabulary.unknown_id}

    def automaton(self, stop: Sequence[str] = (), allowed: Set[int] | None = None) -> Automaton | None:
        """The smallest automaton over ids; None if no text fits."""
        texts = self._texts if allowed is None else {id_: self._texts[id_] for id_ in self._texts.keys() & allowed}
        return self._made(texts, self._outputs, stop, self._vocabulary.following)

    def skipped(self) -> set[str]:
        """What the pattern names and the vocabulary does not have."""
        language, vocabulary = self._language, self._vocabulary
        unknown = language.named.difference(vocabulary.characters)
        if isinstance(language, Choices) and vocabulary.level == "word":
            unknown.update(word for choice in language.choices for _, word in vocabulary.encode_known(choice)[1])
        return unknown

    def reason(self, stop: Sequence[str], *, limited: bool) -> PatternError:
        """Why no text fits; `limited`: to some ids."""
        if limited and self.automaton(stop):
            return NothingLeftError("allowed_token_ids")
        if stop and self.automaton():
            return NothingLeftError("stop")
        characters = self._vocabulary.characters
        if self._vocabulary.level == "word" and (fitting := self._over(characters)):
            text = "".join(characters[id_] for id_ in shortest(fitting))
            return UnknownPatternCharactersError([word for _, word in self._vocabulary.encode_known(text)[1]], "word")
        wider = self._language.wider(characters)
        if fitting := self._over(wider):
            known = [each in characters for each in wider]
            return UnknownPatternCharactersError([wider[id_] for id_ in fewest_unknown(fitting, known)])
        return EmptyPatternError()

    def _over(self, characters: str) -> Automaton | None:
        """The smallest automaton over these characters, each of which is an id."""
        return self._made(dict(enumerate(characters)), len(characters))

    def _made(
        self, texts: dict[int, str], outputs: int, stop: Sequence[str] = (), following: Following | None = None
    ) -> Automaton | None:
        """The smallest automaton over ids that spell these texts, each of which may follow those before it."""
        characters = "".join(sorted(set("".join(texts.values()))))
        table, alphabet = self._language.table(characters, stop, self._work)
        table, columns = spelled(table, alphabet, texts, outputs, self._work)
        if following is not None:
            table, columns = joined(table, columns, following, self._work)
        return minimized(table, columns, self._work)
