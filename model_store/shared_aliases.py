"""The alias files in the mirrors of a shared store: a damaged one is taken from the store again, and rebuilt only if
the store's is damaged, too."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from durable.entries import keep_copy
from durable.objects import Content, ObjectChangedError, ObjectExistsError
from durable.reading import DamagedFileError
from model_store.alias_files import AliasFiles
from model_store.aliases import FILE, parsed
from model_store.mirror import ModelMirror

log = logging.getLogger(__name__)


class SharedAliasFiles(AliasFiles):
    """As AliasFiles; `mirror` gives the mirror of a model with this folder."""

    def __init__(self, best: Callable[[str], int | None], mirror: Callable[[Path], ModelMirror]) -> None:
        super().__init__(best)
        self._mirror = mirror

    @contextmanager
    def locked(self, folder: Path, timeout: float | None = None) -> Iterator[None]:
        """Hold the model's lock in this machine, after repairing the alias file if necessary. Raises
        StoreUnavailableError if it is not free in time."""
        with self._mirror(folder).locked(timeout):
            self._mend(folder)
            yield

    def _mend(self, folder: Path) -> None:
        try:
            self._reader.histories(str(folder))
        except FileNotFoundError:
            return
        except DamagedFileError as error:
            if not self._was_taken_away(folder):
                keep_copy(folder / FILE)
                while not self._restored(folder, str(error)):
                    pass

    def _restored(self, folder: Path, fault: str) -> bool:
        """Whether the aliases are as in the store, and these are sound; not if another machine was faster in rebuilding
        them."""
        mirror = self._mirror(folder)
        content = mirror.get(FILE)
        if content is not None and _is_sound(content):
            mirror.keep(FILE, content)
            return True
        made = self._rebuilt(folder, fault)
        if not made:
            mirror.forget(FILE)
            return True
        with suppress(ObjectChangedError, ObjectExistsError):
            mirror.write_aliases(made, content.etag if content else None)
            log.warning("model %s: %s in the store; it is rebuilt, for: %s", folder.name, fault, ", ".join(made))
            return True
        return False


def _is_sound(content: Content) -> bool:
    try:
        parsed(content.data)
    except ValueError:
        return False
    return True
