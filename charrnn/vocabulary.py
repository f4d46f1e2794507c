"""Characters to ids and back; knows no networks."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, ClassVar, Final, Literal

import numpy as np
import numpy.typing as npt

from charrnn.following import Following
from charrnn.wording import count

Ids = npt.NDArray[np.int32]

SHORT: Final = 64
"""Up to this many characters are looked up faster one by one than by numpy."""

Level = Literal["char", "word"]
"""What a token is."""


class UnknownCharactersError(ValueError):
    """A text has characters (for a vocabulary of words: words) that are not in the vocabulary; `unknown` lists them as
    (position in characters, character or word)."""

    def __init__(self, unknown: list[tuple[int, str]], kind: str = "character") -> None:
        self.unknown = unknown
        shown = ", ".join(f"{token!r} at {position}" for position, token in unknown[:10])
        more = f" and {len(unknown) - 10} more" if len(unknown) > 10 else ""
        super().__init__(f"{count(len(unknown), kind)} outside the vocabulary: {shown}{more}")


def codepoints(text: str) -> npt.NDArray[np.uint32]:
    """The text's code points, [len(text)]; lone surrogates, which JSON can carry, count as characters too."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")


@dataclass(frozen=True)
class Vocabulary:
    """The characters that a model knows, in ascending order of code point: a character's id is its index.

    Raises ValueError when the characters are not single, distinct and ascending.
    """

    characters: str

    level: ClassVar[Level] = "char"

    def __post_init__(self) -> None:
        if not self.characters:
            raise ValueError("a vocabulary needs at least one character")
        if any(a >= b for a, b in zip(self.characters, self.characters[1:], strict=False)):
            raise ValueError("a vocabulary's characters must be distinct and in ascending order")

    @classmethod
    def of(cls, texts: Iterable[str]) -> Vocabulary:
        """The vocabulary of all characters that occur in the texts."""
        seen: set[str] = set()
        for text in texts:
            seen.update(text)
        return cls("".join(sorted(seen)))

    def __len__(self) -> int:
        return len(self.characters)

    @cached_property
    def _index(self) -> dict[str, int]:
        return {character: index for index, character in enumerate(self.characters)}

    @cached_property
    def _codepoints(self) -> npt.NDArray[np.uint32]:
        return codepoints(self.characters)

    @property
    def unknown_id(self) -> int | None:
        """The id that stands for all tokens that are not in the vocabulary; it is never generated. None if there is
        none."""
        return None

    @property
    def text_size(self) -> int:
        """How many ids a text can spell: all but marks (`charrnn.marks`)."""
        return len(self)

    @property
    def end_id(self) -> int | None:
        """The id that ends a text when it is written; None: texts have no end."""
        return None

    @property
    def following(self) -> Following | None:
        """Which ids may not follow which others; None: every id may follow every other."""
        return None

    @property
    def description(self) -> Any:
        """Plain JSON that says which vocabulary this is; `charrnn.words.described` is its inverse."""
        return self.characters

    @cached_property
    def digest(self) -> str:
        """SHA-256 of which ids there are and what they spell."""
        return hashlib.sha256(json.dumps([len(self), self.description]).encode()).hexdigest()

    @cached_property
    def start_id(self) -> int:
        """The id read instead of an empty prompt: a line end, else a space, else the first character."""
        return next((self.characters.index(c) for c in "\n " if c in self.characters), 0)

    def encode(self, text: str) -> Ids:
        """The ids of the text's characters, [len(text)]. Raises UnknownCharactersError."""
        if len(text) <= SHORT:
            with suppress(KeyError):
                return np.array([self._index[character] for character in text], dtype=np.int32)
        ids, known = self._lookup(text)
        if not known.all():
            raise UnknownCharactersError([(int(i), text[i]) for i in np.flatnonzero(~known)])
        return ids

    def encode_tokens(self, found: Sequence[str]) -> Ids:
        """The ids of tokens, [len(found)]. Raises UnknownCharactersError."""
        return self.encode("".join(found))

    def encode_all(self, text: str) -> Ids:
        """The ids of all tokens of a text to train on; a token that is not in the vocabulary has the unknown one's id.
        Raises UnknownCharactersError if there is no such id."""
        return self.encode(text)

    def encode_known(self, text: str) -> tuple[Ids, list[tuple[int, str]]]:
        """The ids of the known characters, and the dropped ones as (position, character)."""
        ids, known = self._lookup(text)
        return ids[known], [(int(i), text[i]) for i in np.flatnonzero(~known)]

    def decode(self, ids: Ids | Sequence[int]) -> str:
        """The text of the ids. Raises IndexError when one is outside the vocabulary."""
        array = np.asarray(ids, dtype=np.int32)
        if array.size and array.view(np.uint32).max() >= len(self):  # a negative id is among the largest there
            raise IndexError(f"ids must be from 0 to {len(self) - 1}, not {int(array.min())} to {int(array.max())}")
        return self._codepoints[array].tobytes().decode("utf-32-le", "surrogatepass")

    def decode_each(self, ids: Ids, offsets: npt.NDArray[np.int64]) -> list[str]:
        """The texts of many sequences of ids in a row, [n]: the i-th begins at `offsets[i]` and ends at
        `offsets[i + 1]`, [n + 1]. Raises IndexError when an id is outside the vocabulary."""
        text, ends = self.decode(ids), np.cumsum(np.append(0, self._lengths[ids]))
        return [text[start:end] for start, end in pairwise(ends[offsets].tolist())]

    def tokens_of(self, ids: Ids | Sequence[int]) -> Sequence[str]:
        """The text of each of the ids. Raises IndexError when one is outside the vocabulary."""
        return self.decode(ids)

    def extended(self, other: Vocabulary) -> Vocabulary:
        """The union with another vocabulary of the same level."""
        return Vocabulary("".join(sorted({*self.characters, *other.characters})))

    def ids_of(self, other: Vocabulary) -> Ids:
        """The ids in this vocabulary of the tokens of another one of the same level, all of which it knows."""
        return self.encode(other.characters)

    @cached_property
    def _lengths(self) -> npt.NDArray[np.int64]:
        """Characters in the text of each id, [len(self)]."""
        return np.array([len(token) for token in self.tokens_of(range(len(self)))], dtype=np.int64)

    def _lookup(self, text: str) -> tuple[Ids, npt.NDArray[np.bool_]]:
        points = codepoints(text)
        ids = self._table[np.minimum(points, len(self._table) - 1)]
        return ids, ids >= 0

    @cached_property
    def _table(self) -> Ids:
        """The id of every code point up to the last known one, -1 for unknown ones, and a final -1."""
        table = np.full(int(self._codepoints[-1]) + 2, -1, dtype=np.int32)
        table[self._codepoints] = np.arange(len(self), dtype=np.int32)
        return table
