"""The alias files of all models; a damaged one is rebuilt as soon as it is read."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeVar

from durable import locks
from durable.entries import is_there, keep_copy, set_aside
from durable.reading import DamagedFileError
from durable.space import reason_of
from model_store import versions
from model_store.aliases import FILE, AliasReader, Histories, rebuilt, write

T = TypeVar("T")

MEND_SECONDS: Final = 5.0
"""How long a reader waits for the lock of a model whose alias file is damaged."""

log = logging.getLogger(__name__)


class AliasFiles:
    """Reads the alias file in a model's folder; `best` returns the version that `current` is to point to when a damaged
    file was never read before, None if there is none."""

    def __init__(self, best: Callable[[str], int | None]) -> None:
        self._reader = AliasReader()
        self._best = best

    def versions_as_found(self, folder: str) -> dict[str, int]:
        """The version that every alias points to, in microseconds, for every request; must not be modified. Raises
        FileNotFoundError, DamagedFileError."""
        return self._reader.versions(folder)

    def versions(self, folder: Path) -> dict[str, int]:
        """The version that every alias points to. Raises FileNotFoundError when the model never had an alias."""
        return dict(self._sound(folder, self._reader.versions))

    def histories(self, folder: Path) -> Histories:
        """The history of every alias; empty when the model never had one."""
        try:
            return self._sound(folder, self._reader.histories)
        except FileNotFoundError:
            return {}

    @contextmanager
    def locked(self, folder: Path, timeout: float | None = None) -> Iterator[None]:
        """Hold the model's lock, after repairing the alias file if necessary. Raises HeldError after `timeout`
        seconds."""
        with locks.locked(folder / versions.LOCK, timeout):
            self._mend(folder)
            yield

    def _sound(self, folder: Path, read: Callable[[str], T]) -> T:
        """The result of `read` on the alias file; a damaged file is rebuilt first, only in memory if the disk fails.

        Raises FileNotFoundError.
        """
        try:
            return read(str(folder))
        except DamagedFileError as error:
            if self._was_taken_away(folder):
                raise FileNotFoundError(FILE) from error
            try:
                with self.locked(folder, MEND_SECONDS):
                    pass
            except OSError as failure:
                log.warning("model %s: %s; it cannot be rebuilt: %s", folder.name, error, reason_of(failure))
                self._reader.assume(str(folder), self._rebuilt(folder, str(error)))
            return read(str(folder))

    def _mend(self, folder: Path) -> None:
        """Replace a damaged alias file; the caller holds the model's lock."""
        try:
            self._reader.histories(str(folder))
        except FileNotFoundError:
            return
        except DamagedFileError as error:
            if self._was_taken_away(folder):
                return
            if made := self._rebuilt(folder, str(error)):
                keep_copy(folder / FILE)
                write(folder, made)
            else:
                set_aside(folder / FILE)
            log.warning("model %s: %s; it is rebuilt, for: %s", folder.name, error, ", ".join(made) or "no alias")

    def _was_taken_away(self, folder: Path) -> bool:
        """Whether the model's aliases and versions were all deleted by hand; what was read before is then forgotten."""
        gone = not is_there(folder / FILE) and not versions.numbers(folder)
        if gone:
            self._reader.forget(str(folder))
        return gone

    def _rebuilt(self, folder: Path, fault: str) -> Histories:
        return rebuilt(self._reader.remembered(str(folder)), self._best(folder.name), fault)
