"""The vocabulary of words, punctuation, newlines and spaces: to ids and back; knows no networks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, Final

import numpy as np

from charrnn.following import MAX_KINDS, Following
from charrnn.vocabulary import Ids, Level, UnknownCharactersError, Vocabulary
from charrnn.word_tokens import APOSTROPHE, FULL_WORD, LONG_WORD, OTHER, RETURN, WORD, kind_of, token_pieces, tokens

MAX_WORDS: Final = 10_000
"""The vocabulary's maximum size: the most frequent tokens of a text."""

UNKNOWN: Final = "\N{REPLACEMENT CHARACTER}"
"""The text of the token that stands for all unknown ones."""

MAX_COUNTED: Final = 1_000_000


@dataclass(frozen=True)
class WordVocabulary(Vocabulary):
    """The tokens that a model knows: a token's id is its index, and the id after the last one stands for all unknown
    tokens.

    `characters` are those that its words are made of. Raises ValueError when the words are not distinct single tokens.
    """

    characters: str = field(init=False, repr=False, compare=False)
    words: tuple[str, ...]

    level: ClassVar[Level] = "word"

    def __post_init__(self) -> None:
        if not self.words:
            raise ValueError("a vocabulary needs at least one word")
        if len(set(self.words)) != len(self.words) or any(tokens(word) != [word] for word in self.words):
            raise ValueError("a vocabulary's words must be distinct, and each a single token")
        object.__setattr__(self, "characters", "".join(sorted(set("".join(self.words)))))

    @classmethod
    def of(cls, texts: Iterable[str]) -> WordVocabulary:
        """The MAX_WORDS most frequent tokens of the texts, the most frequent first."""
        return cls._of_tokens(token_pieces(texts))

    @classmethod
    def of_records(cls, records: Iterable[str]) -> WordVocabulary:
        """The same of texts of which each ends: no token is part of two."""
        return cls._of_tokens(map(tokens, records))

    @classmethod
    def _of_tokens(cls, pieces: Iterable[Sequence[str]]) -> WordVocabulary:
        counts: Counter[str] = Counter()
        floor = 0
        for found in pieces:
            counts.update(found)
            while len(counts) > MAX_COUNTED:  # drop the rarest so far, which would hardly become frequent
                floor += 1
                counts = Counter({word: count for word, count in counts.items() if count > floor})
        return cls(tuple(sorted(counts, key=lambda word: (-counts[word], word))[:MAX_WORDS]))

    def __len__(self) -> int:
        return len(self.words) + 1

    @property
    def unknown_id(self) -> int:
        """The id that stands for all words that are not in the vocabulary."""
        return len(self.words)

    @property
    def description(self) -> Any:
        """Plain JSON that says which vocabulary this is; `described` is its inverse."""
        return {"level": self.level, "words": list(self.words)}

    @cached_property
    def start_id(self) -> int:
        """The id read instead of an empty prompt: a line end, else a space, else the first word."""
        return next((self._ids[token] for token in ("\n", "\r\n", " ") if token in self._ids), 0)

    @cached_property
    def following(self) -> Following:
        """A word after a word, or after an apostrophe that follows one, would be tokenized together with it, which
        never occurs in training text; likewise a line feed after a carriage return."""
        kinds = np.array([kind_of(word) for word in self.words] + [OTHER], dtype=np.int32)
        bars_words = np.where(np.isin(kinds, (WORD, LONG_WORD, FULL_WORD)), -np.inf, 0)
        bars_feeds = np.array([-np.inf if word == "\n" else 0 for word in (*self.words, UNKNOWN)])
        masks = np.stack([np.zeros(len(self)), bars_words, bars_feeds]).astype(np.float32)
        masks[1:, self.unknown_id] = -np.inf
        rules = np.zeros((MAX_KINDS, MAX_KINDS), dtype=np.int32)
        rules[:, [WORD, LONG_WORD]], rules[WORD, APOSTROPHE], rules[:, RETURN] = 1, 1, 2
        return Following(kinds, rules, masks)

    def encode(self, text: str) -> Ids:
        """The ids of the text's tokens. Raises UnknownCharactersError, listing words."""
        ids, unknown = self.encode_known(text)
        if unknown:
            raise UnknownCharactersError(unknown, "word")
        return ids

    def encode_all(self, text: str) -> Ids:
        """The ids of all tokens of the text, `unknown_id` for those that are not known."""
        return self.encode_tokens(tokens(text))

    def encode_known(self, text: str) -> tuple[Ids, list[tuple[int, str]]]:
        """The ids of the known words, and the dropped ones as (position in characters, word)."""
        found = tokens(text)
        ids = self.encode_tokens(found)
        known = ids != self.unknown_id
        if known.all():
            return ids, []
        starts = np.cumsum([0, *map(len, found)])
        return ids[known], [(int(starts[i]), found[i]) for i in np.flatnonzero(~known)]

    def encode_tokens(self, found: Sequence[str]) -> Ids:
        """The ids of tokens, [len(found)], `unknown_id` for those that are not known."""
        get, unknown = self._ids.get, self.unknown_id
        return np.fromiter((get(token, unknown) for token in found), dtype=np.int32, count=len(found))

    def decode(self, ids: Ids | Sequence[int]) -> str:
        """The text of the ids. Raises IndexError when one is outside the vocabulary."""
        return "".join(self.tokens_of(ids))

    def tokens_of(self, ids: Ids | Sequence[int]) -> Sequence[str]:
        """The text of each of the ids. Raises IndexError when one is outside the vocabulary."""
        array = np.asarray(ids, dtype=np.int32)
        if array.size and not 0 <= array.min() <= array.max() < len(self):
            raise IndexError(f"ids must be from 0 to {len(self) - 1}, not {int(array.min())} to {int(array.max())}")
        shown = self._shown
        return [shown[i] for i in array.tolist()]

    def extended(self, other: Vocabulary) -> Vocabulary:
        """The union with another vocabulary: this one's words keep their ids, and the others follow."""
        assert isinstance(other, WordVocabulary)
        return WordVocabulary((*self.words, *(word for word in other.words if word not in self._ids)))

    def ids_of(self, other: Vocabulary) -> Ids:
        """The ids in this vocabulary of the tokens of another vocabulary of words, including the unknown token."""
        assert isinstance(other, WordVocabulary)
        return np.append(self.encode_tokens(other.words), np.int32(self.unknown_id))

    @cached_property
    def _ids(self) -> dict[str, int]:
        return {word: index for index, word in enumerate(self.words)}

    @cached_property
    def _shown(self) -> tuple[str, ...]:
        return (*self.words, UNKNOWN)


def described(description: Any) -> Vocabulary:
    """The vocabulary of this description. Raises ValueError, TypeError, KeyError for an invalid one."""
    if isinstance(description, str):
        return Vocabulary(description)
    if description["level"] != WordVocabulary.level:
        raise ValueError(f"level must be char or word, not {description['level']!r}")
    return WordVocabulary(tuple(description["words"]))


def token_counter(level: Level) -> Callable[[str], int]:
    """How many tokens of this level a text has."""
    return len if level == "char" else lambda text: len(tokens(text))
