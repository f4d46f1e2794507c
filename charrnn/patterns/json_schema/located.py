"""A schema and where it stands in the whole one, as a JSON pointer."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from charrnn.patterns.errors import PatternTooLargeError

MAX_DEPTH: Final = 40
"""How deep schemas may be within each other; those that are referred to count where they are referred to."""


@dataclass(frozen=True, slots=True)
class Located:
    """A schema, its place, how deep it is in others, and the places of the references through which it was reached."""

    schema: Any
    place: str = ""
    depth: int = 0
    through: frozenset[str] = frozenset()

    def child(self, *steps: str | int) -> Located:
        """The schema within this one to which these keys and indices lead. Raises PatternTooLargeError."""
        schema, place = self.schema, self.place
        for step in steps:
            schema, place = schema[step], pointer(place, step)
        return Located(schema, place, self._deeper(), self.through)

    def referring(self, target: Located) -> Located:
        """The target of a reference in this schema. Raises PatternTooLargeError."""
        return Located(target.schema, target.place, self._deeper(), self.through | {target.place})

    def _deeper(self) -> int:
        if self.depth >= MAX_DEPTH:
            raise PatternTooLargeError("schemas within each other", MAX_DEPTH)
        return self.depth + 1


def pointer(place: str, step: str | int) -> str:
    """The JSON pointer of a part of what stands at a place."""
    return f"{place}/{str(step).replace('~', '~0').replace('/', '~1')}"


def at(place: str) -> str:
    """A place in words."""
    return f"at {shown(place)}" if place else "at the top"


def shown(value: Any) -> str:
    """A JSON value, shortened, for a message."""
    try:
        text = json.dumps(value, ensure_ascii=False)
    except RecursionError:
        text = "a deeply nested value"
    return text if len(text) <= 80 else f"{text[:77]}..."
