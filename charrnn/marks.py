"""A vocabulary with marks: ids that no text can spell, beyond those of its tokens; knows no networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from charrnn.following import Following
from charrnn.vocabulary import Ids, Level, Vocabulary
from charrnn.word_tokens import OTHER


@dataclass(frozen=True)
class MarkedVocabulary(Vocabulary):
    """The tokens of `tokens`, with the same ids, and then `marks` ids more, whose text is empty.

    The first mark is the boundary: read, it begins a record; written, it ends one. What the others mean depends on the
    task (`charrnn.tasks`). Raises ValueError without a mark.
    """

    characters: str = field(init=False, repr=False, compare=False)
    tokens: Vocabulary
    marks: int

    def __post_init__(self) -> None:
        if self.marks < 1:
            raise ValueError(f"a vocabulary of records needs at least 1 mark, not {self.marks}")
        object.__setattr__(self, "characters", self.tokens.characters)

    @property
    def level(self) -> Level:  # type: ignore[override]
        """What a token is."""
        return self.tokens.level

    def __len__(self) -> int:
        return len(self.tokens) + self.marks

    @property
    def text_size(self) -> int:
        """How many ids a text can spell."""
        return len(self.tokens)

    @property
    def boundary(self) -> int:
        """The id of a record's start and of its end."""
        return len(self.tokens)

    @property
    def start_id(self) -> int:
        """The id read before a record: the boundary."""
        return self.boundary

    @property
    def end_id(self) -> int:
        """The id that ends a record: the boundary."""
        return self.boundary

    @property
    def unknown_id(self) -> int | None:
        """The id that stands for all unknown tokens, if there is one."""
        return self.tokens.unknown_id

    @property
    def following(self) -> Following | None:
        """Which ids that can be written may not follow which others; a boundary may follow any token, and any token a
        mark."""
        known = self.tokens.following
        if known is None:
            return None
        kinds = np.append(known.kinds, np.full(self.marks, OTHER, dtype=known.kinds.dtype))
        masks = np.pad(known.masks, ((0, 0), (0, 1)))
        return Following(kinds, known.rules, masks)

    @property
    def description(self) -> Any:
        """That of the tokens: the marks follow from the arrangement."""
        return self.tokens.description

    def encode(self, text: str) -> Ids:
        """The ids of the text's tokens. Raises UnknownCharactersError."""
        return self.tokens.encode(text)

    def encode_tokens(self, found: Sequence[str]) -> Ids:
        """The ids of tokens, [len(found)]. Raises UnknownCharactersError."""
        return self.tokens.encode_tokens(found)

    def encode_all(self, text: str) -> Ids:
        """The ids of all tokens of a text to train on, the unknown one's for unknown ones."""
        return self.tokens.encode_all(text)

    def encode_known(self, text: str) -> tuple[Ids, list[tuple[int, str]]]:
        """The ids of the known tokens, and the dropped ones as (position in characters, token)."""
        return self.tokens.encode_known(text)

    def decode(self, ids: Ids | Sequence[int]) -> str:
        """The text of the ids; that of a mark is empty. Raises IndexError when one is outside the vocabulary."""
        array = self._checked(ids)
        return self.tokens.decode(array[array < len(self.tokens)])

    def tokens_of(self, ids: Ids | Sequence[int]) -> Sequence[str]:
        """The text of each of the ids. Raises IndexError when one is outside the vocabulary."""
        array = self._checked(ids)
        known = iter(self.tokens.tokens_of(array[array < len(self.tokens)]))
        return [next(known) if id_ < len(self.tokens) else "" for id_ in array.tolist()]

    def extended(self, other: Vocabulary) -> Vocabulary:
        """The union with the tokens of another vocabulary of the same level, with as many marks."""
        return MarkedVocabulary(self.tokens.extended(tokens_of(other)), self.marks)

    def ids_of(self, other: Vocabulary) -> Ids:
        """The ids in this vocabulary of the tokens and marks of another one, all of which it has."""
        ids = self.tokens.ids_of(tokens_of(other))
        marks = other.marks if isinstance(other, MarkedVocabulary) else 0
        return np.concatenate([ids, self.boundary + np.arange(marks, dtype=np.int32)])

    @cached_property
    def _size(self) -> int:
        return len(self)

    def _checked(self, ids: Ids | Sequence[int]) -> Ids:
        array = np.asarray(ids, dtype=np.int32)
        if array.size and not 0 <= array.min() <= array.max() < self._size:
            raise IndexError(f"ids must be from 0 to {self._size - 1}, not {int(array.min())} to {int(array.max())}")
        return array


def tokens_of(vocabulary: Vocabulary) -> Vocabulary:
    """The vocabulary of a text, without marks."""
    return vocabulary.tokens if isinstance(vocabulary, MarkedVocabulary) else vocabulary
