"""How large a pattern may become: counted, never timed, so that the same pattern is refused everywhere or nowhere."""

from __future__ import annotations

from typing import Final

MAX_CHARACTERS: Final = 10_000
"""Characters of a regular expression."""

MAX_CHOICES: Final = 10_000

MAX_STATES: Final = 20_000
"""States of a regular expression's smallest automaton over a model's vocabulary."""

MAX_DEPTH: Final = 100
"""How deep the groups of a regular expression may be nested."""

MAX_CLASS_MEMBERS: Final = 2_000_000
"""Characters in all of its different classes that are not among the first 256, or that ignore case."""
