"""The states after prompts while they are typed, so that a prompt that goes on from an earlier one is read only from
where that ended; without a state the prompt is read."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from typing import Final

from charrnn.engine.base import State
from charrnn.vocabulary import Ids

LOOK_BACK: Final = 64
"""How many ids shorter an earlier prompt may be: reading these takes about a millisecond."""
MOST_BYTES: Final = 1 << 24

_ENTRY_BYTES: Final = 1024
"""About what an entry takes besides the hidden state."""


class TypedPrompts:
    """States by version and ids, at most `most_bytes` of them, the least recently used dropped first. `version` is a
    version's digest and the engine's precision. Any number of threads may use it."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._states: OrderedDict[bytes, State] = OrderedDict()
        self.bytes = 0
        """How much memory the states take, about."""

    def longest(self, version: tuple[str, str], ids: Ids) -> tuple[int, State | None]:
        """How many of the ids an earlier prompt had, and the state after these; 0 and None if none is known."""
        keys = _keys(version, ids)
        with self._lock:
            for missing, key in enumerate(reversed(keys)):
                if (state := self._states.get(key)) is not None:
                    self._states.move_to_end(key)
                    return ids.size - missing, state
        return 0, None

    def keep(self, version: tuple[str, str], ids: Ids, state: State) -> None:
        """Keep the state after these ids, at least one, for later prompts."""
        key = _keys(version, ids)[-1]
        with self._lock:
            if (before := self._states.pop(key, None)) is not None:
                self.bytes -= _size(before)
            self._states[key] = state
            self.bytes += _size(state)
            while self.bytes > self._most_bytes:
                self.bytes -= _size(self._states.popitem(last=False)[1])


def _keys(version: tuple[str, str], ids: Ids) -> list[bytes]:
    """The keys of the longest beginnings of the ids, at most LOOK_BACK of them, all ids last."""
    first = max(0, ids.size - LOOK_BACK)
    hashed = hashlib.blake2b(repr(version).encode() + ids[:first].astype("<i4").tobytes(), digest_size=20)
    keys = []
    for id_ in ids[first:].tolist():
        hashed.update(id_.to_bytes(4, "little"))
        keys.append(hashed.digest())
    return keys


def _size(state: State) -> int:
    return state.hidden.nbytes + _ENTRY_BYTES
