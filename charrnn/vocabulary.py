"""Characters to ids and back; knows nothing of the network that reads them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Final, Literal

import numpy as np
import numpy.typing as npt

from charrnn.following import Following
from charrnn.wording import count

Ids = npt.NDArray[np.int32]

SHORT: Final = 64
"""Characters. Up to so many are looked up one by one more quickly than by numpy, at each request of a service."""

Level = Literal["char", "word"]
"""What a token is."""


class UnknownCharactersError(ValueError):
    """A text has characters (of a vocabulary of words: words) that it does not know; `unknown` lists them as
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
        """The vocabulary of everything that occurs in the texts."""
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
        """The id that stands for whatever the vocabulary leaves out, and is never generated; None without one."""
        return None

    @property
    def following(self) -> Following | None:
        """What may not be generated after what; None: everything may follow everything."""
        return None

    @property
    def description(self) -> Any:
        """Plain JSON that says which vocabulary this is; `charrnn.words.described` is its inverse."""
        return self.characters

    @cached_property
    def start_id(self) -> int:
        """What an empty prompt is taken to follow: a line's end, else a space, else the first character."""
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

    def encode_known(self, text: str) -> tuple[Ids, list[tuple[int, str]]]:
        """The ids of the characters that are known, and those dropped as (position, character)."""
        ids, known = self._lookup(text)
        return ids[known], [(int(i), text[i]) for i in np.flatnonzero(~known)]

    def decode(self, ids: Ids | Sequence[int]) -> str:
        """The text of the ids. Raises IndexError when one is outside the vocabulary."""
        array = np.asarray(ids, dtype=np.int32)
        if array.size and array.view(np.uint32).max() >= len(self):  # a negative id is among the largest there
            raise IndexError(f"ids must be from 0 to {len(self) - 1}, not {int(array.min())} to {int(array.max())}")
        return self._codepoints[array].tobytes().decode("utf-32-le", "surrogatepass")

    def tokens_of(self, ids: Ids | Sequence[int]) -> Sequence[str]:
        """The text of each of the ids. Raises IndexError when one is outside the vocabulary."""
        return self.decode(ids)

    def extended(self, other: Vocabulary) -> Vocabulary:
        """This vocabulary with all that another one of its level knows as well."""
        return Vocabulary("".join(sorted({*self.characters, *other.characters})))

    def ids_of(self, other: Vocabulary) -> Ids:
        """The ids that the tokens of another vocabulary of its level have in this one, which knows them all."""
        return self.encode(other.characters)

    def _lookup(self, text: str) -> tuple[Ids, npt.NDArray[np.bool_]]:
        points = codepoints(text)
        ids = self._table[np.minimum(points, len(self._table) - 1)]
        return ids, ids >= 0

    @cached_property
    def _table(self) -> Ids:
        """The id of every code point up to the last one's, and -1 for those that are not known; -1 ends it."""
        table = np.full(int(self._codepoints[-1]) + 2, -1, dtype=np.int32)
        table[self._codepoints] = np.arange(len(self), dtype=np.int32)
        return table
