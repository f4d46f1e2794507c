"""The characters that a pattern is compiled for, in classes that it cannot tell apart."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

import numpy as np
import numpy.typing as npt

from charrnn.patterns.bounds import MAX_ENTRIES
from charrnn.patterns.errors import PatternTooLargeError
from charrnn.patterns.nodes import Characters
from charrnn.patterns.sides import Side

Indices = npt.NDArray[np.int64]
Cell = tuple[tuple[int, ...], Indices]
"""Some atoms, and the classes of the characters that belong to exactly these of all that were asked for."""

NEWLINE: Final = "\n"


class Alphabet:
    """Characters in ascending order, and of which of the pattern's `atoms` each is; `asserts`: word characters and the
    newline are told apart from the others. `apart` are further characters that have a class of their own.

    `classes` [characters] int64 is the class of each character, numbered by first occurrence. Raises
    PatternTooLargeError.
    """

    def __init__(self, characters: str, atoms: list[Characters], *, asserts: bool, apart: Iterable[str] = ()) -> None:
        self.characters = characters
        index = {character: i for i, character in enumerate(characters)}
        words = set(re.findall(r"\w", characters)) if asserts else set()
        rows = [words, {NEWLINE} & index.keys() if asserts else set(), *({each} & index.keys() for each in apart)]
        rows += [atom.among(characters) for atom in atoms]
        if len(rows) * len(characters) > 2 * MAX_ENTRIES:
            raise PatternTooLargeError("members of its classes", 2 * MAX_ENTRIES)
        belongs = np.zeros((len(rows), len(characters)), dtype=bool)
        for row, members in zip(belongs, rows, strict=True):
            row[[index[character] for character in members]] = True
        self.classes, first = by_first_occurrence(np.packbits(belongs, axis=0).T)
        self._belongs = belongs[len(rows) - len(atoms) :, first]
        self.sides = [_side(word, newline) for word, newline in belongs[:2, first].T.tolist()]
        self._cells: dict[tuple[frozenset[int], Side | None], list[Cell]] = {}
        self.newline = next((i for i, newline in enumerate(belongs[1, first].tolist()) if newline), None)

    def __len__(self) -> int:
        """The number of classes."""
        return len(self.sides)

    def class_of(self, character: str) -> int | None:
        """The class of a character; None if the alphabet does not have it."""
        at = self.characters.find(character)
        return None if at < 0 else int(self.classes[at])

    def cells(self, atoms: frozenset[int], side: Side | None = None) -> list[Cell]:
        """The classes that belong to any of the atoms (of those with this side only), grouped by which."""
        key = (atoms, side)
        if (found := self._cells.get(key)) is None:
            found = self._cells[key] = self._grouped(sorted(atoms), side)
        return found

    def _grouped(self, atoms: list[int], side: Side | None) -> list[Cell]:
        belongs = self._belongs[atoms]
        kept = belongs.any(axis=0)
        if side is not None:
            kept &= np.array([each is side for each in self.sides])
        classes = np.flatnonzero(kept)
        if not classes.size:
            return []
        groups, first = by_first_occurrence(np.packbits(belongs[:, classes], axis=0).T)
        return [
            (tuple(atoms[i] for i in np.flatnonzero(belongs[:, classes[at]])), classes[groups == number])
            for number, at in enumerate(first.tolist())
        ]


def by_first_occurrence(rows: npt.NDArray[np.uint8]) -> tuple[Indices, Indices]:
    """Which rows are equal: the group of each row [n], numbered by first occurrence, and the first row of each."""
    numbers: dict[bytes, int] = {}
    first = []
    groups = np.empty(len(rows), dtype=np.int64)
    for at, row in enumerate(np.ascontiguousarray(rows)):
        key = row.tobytes()
        if key not in numbers:
            numbers[key] = len(numbers)
            first.append(at)
        groups[at] = numbers[key]
    return groups, np.array(first, dtype=np.int64)


def _side(word: bool, newline: bool) -> Side:
    return Side.WORD if word else Side.LAST_NEWLINE if newline else Side.OTHER
