"""All that is to hold of one value: schemas that are referred to, or in allOf, hold together with their neighbours."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote

from charrnn.patterns.errors import InvalidPatternError, PatternTooLargeError, UnsupportedPatternError
from charrnn.patterns.json_schema.keywords import keywords_of
from charrnn.patterns.json_schema.located import Located, at, pointer, shown

MAX_SCHEMAS: Final = 10_000
"""How many schemas are looked at; those that are referred to count wherever they are."""

ALTERNATIVES: Final = ("anyOf", "oneOf")

Parts = tuple[Located, ...]
"""Schemas that are all to hold."""

Key = tuple[tuple[tuple[str, int], ...], frozenset[str]]


def key_of(parts: Parts, settled: frozenset[str] = frozenset()) -> Key:
    """What tells these parts from others."""
    return tuple((part.place, part.depth) for part in parts), settled


@dataclass(frozen=True, slots=True)
class Facet:
    """The keywords of one of the schemas that are to hold of a value, and where it stands."""

    keywords: dict[str, Any]
    located: Located

    def child(self, *steps: str | int) -> Located:
        """The schema in it to which keys and indices lead."""
        return self.located.child(*steps)

    def place(self, keyword: str) -> str:
        """Where one of its keywords is, in words."""
        return at(pointer(self.located.place, keyword))


@dataclass(frozen=True, slots=True)
class Alternatives:
    """A facet's keyword, anyOf or oneOf, of whose branches one is to hold."""

    facet: Facet
    keyword: str

    @property
    def place(self) -> str:
        """Where they are."""
        return pointer(self.facet.located.place, self.keyword)

    @property
    def branches(self) -> tuple[Located, ...]:
        return tuple(self.facet.child(self.keyword, i) for i in range(len(self.facet.keywords[self.keyword])))


@dataclass(frozen=True, slots=True)
class Conjunction:
    """What is to hold of a value: all facets, and of each of the alternatives a branch. `never`: nothing can."""

    facets: tuple[Facet, ...]
    alternatives: tuple[Alternatives, ...]
    never: bool = False

    @property
    def place(self) -> str:
        """Where the first of the schemas is, in words."""
        return at(self.facets[0].located.place)

    def given(self, keyword: str) -> Iterator[tuple[Any, Facet]]:
        """The values of a keyword, and where they are given."""
        return ((facet.keywords[keyword], facet) for facet in self.facets if keyword in facet.keywords)


class Resolver:
    """Finds what is to hold; knows the whole schema, and counts the work."""

    def __init__(self, root: Any) -> None:
        self._root = Located(root)
        self._seen = 0
        self._known: dict[Key, Conjunction] = {}

    def all_of(self, parts: Parts, settled: frozenset[str] = frozenset()) -> Conjunction:
        """What is to hold if several schemas are to; the alternatives at the places in `settled` are left out, because
        one of their branches is among these schemas.

        Raises InvalidPatternError, UnsupportedPatternError and PatternTooLargeError, which name the place.
        """
        key = key_of(parts, settled)
        if key not in self._known:
            self._known[key] = self._all_of(parts, settled)
        return self._known[key]

    def _all_of(self, parts: Parts, settled: frozenset[str]) -> Conjunction:
        facets: dict[str, Facet] = {}
        queue = [*parts]
        while queue:
            located = queue.pop(0)
            if located.place in facets:
                continue
            self._count()
            if located.schema is False:
                return Conjunction((), (), never=True)
            facet = facets[located.place] = Facet(keywords_of(located), located)
            queue += self._also(facet)
        alternatives = (
            Alternatives(facet, keyword)
            for facet in facets.values()
            for keyword in ALTERNATIVES
            if keyword in facet.keywords
        )
        return Conjunction(tuple(facets.values()), tuple(each for each in alternatives if each.place not in settled))

    def _also(self, facet: Facet) -> Iterator[Located]:
        """What is to hold beside a facet."""
        if "$ref" in facet.keywords:
            yield self._target(facet)
        for index in range(len(facet.keywords.get("allOf", []))):
            yield facet.child("allOf", index)

    def _target(self, facet: Facet) -> Located:
        reference, place = facet.keywords["$ref"], facet.place("$ref")
        if not reference.startswith("#"):
            raise UnsupportedPatternError(f"the reference {shown(reference)} to what is not in the schema", place)
        path = unquote(reference[1:])
        if path and not path.startswith("/"):
            raise UnsupportedPatternError(f"the reference {shown(reference)} by a name (only #/...)", place)
        target = self._at(path, reference, place)
        if target.place in facet.located.through or f"{facet.located.place}/".startswith(f"{target.place}/"):
            raise UnsupportedPatternError(
                f"the reference {shown(reference)}, with which a schema refers to itself,", place
            )
        return facet.located.referring(target)

    def _at(self, path: str, reference: str, place: str) -> Located:
        """What stands where a JSON pointer says."""
        found = self._root.schema
        for step in path.split("/")[1:]:
            key = step.replace("~1", "/").replace("~0", "~")
            if isinstance(found, dict) and key in found:
                found = found[key]
            elif isinstance(found, list) and re.fullmatch("0|[1-9][0-9]{0,8}", key) and int(key) < len(found):
                found = found[int(key)]
            else:
                raise InvalidPatternError(f"there is nothing at the reference {shown(reference)}", place)
        return Located(found, path)

    def _count(self) -> None:
        self._seen += 1
        if self._seen > MAX_SCHEMAS:
            raise PatternTooLargeError("schemas, those referred to included,", MAX_SCHEMAS)
