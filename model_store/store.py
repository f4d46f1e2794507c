"""Models by name, with their versions and aliases; knows nothing of training and generating."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from durable.clock import now
from durable.reading import DamagedFileError
from model_store import sidecars, versions
from model_store.alias_files import AliasFiles
from model_store.aliases import AliasChange, Histories, appended, earlier, write
from model_store.errors import AliasedError, CurrentAliasError, NoEarlierVersionError, NotFoundError
from model_store.names import CURRENT, check_alias, check_name, is_number
from model_store.published import PublishedVersions, VersionInfo

__all__ = ["FOLDER", "ModelStore", "VersionInfo"]

FOLDER: Final = "models"
"""The store's folder in a service's data directory."""


class ModelStore(PublishedVersions):
    """The models under `root`, one folder a name: `<version>.safetensors` files that never change, and their aliases.

    Any number of threads and processes may use the same root. Every method accepts unchecked names, and raises
    InvalidNameError for invalid ones and NotFoundError for what does not exist.
    """

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self._aliases = AliasFiles(self._best)

    def resolve(self, name: str, selector: str | None = None) -> int:
        """The version that a selector ("3", an alias, None for `current`) points to now. Raises NotFoundError.

        Called for every request: takes microseconds, and sees a promotion by another process at once.
        """
        check_name(name)
        if selector is not None and is_number(selector):
            return self._numbered(name, selector)
        try:
            return self._aliases.versions_as_found(f"{self.root}/{name}")[selector or CURRENT]
        except DamagedFileError:
            with suppress(KeyError):
                return self.aliases(name)[selector or CURRENT]
        except (KeyError, FileNotFoundError):
            pass
        check_alias(selector or CURRENT)
        self.versions(name)
        raise NotFoundError("alias", f"model {name} has no alias {selector or CURRENT}")

    def _numbered(self, name: str, selector: str) -> int:
        if not os.path.lexists(f"{self.root}/{name}/{selector}{versions.SUFFIX}"):
            raise self._missing(name, selector)
        return int(selector)

    def aliases(self, name: str) -> dict[str, int]:
        """The version that each of the model's aliases points to. Raises NotFoundError when there is no such model."""
        folder = self._folder(name)
        try:
            if not folder.is_symlink():
                return self._aliases.versions(folder)
        except FileNotFoundError:
            pass
        self.versions(name)
        return {}

    def history(self, name: str, alias: str = CURRENT) -> tuple[AliasChange, ...]:
        """The alias's changes, oldest first. Raises NotFoundError."""
        return self._aliases.histories(self._folder(name))[self._known(name, alias)]

    def set_alias(self, name: str, alias: str, version: int, reason: str = "") -> None:
        """Point the alias to the version, once its weights are verified, for every process. Raises NotFoundError,
        DamagedVersionError."""
        self.verify(name, version)
        self.set_alias_if(name, alias, version, lambda _: True, reason)

    def set_alias_if(
        self, name: str, alias: str, version: int, condition: Callable[[int | None], bool], reason: str = ""
    ) -> bool:
        """Compare and swap: point the alias to the version if `condition` holds for the version that it points to now
        (None: none), without any change in between; returns whether it did."""
        check_alias(alias)
        self.describe(name, version)
        folder = self._regular_path(name, version).parent
        with self._locked(folder):
            self._regular_path(name, version)
            held = self.aliases(name).get(alias)
            is_wanted = condition(held)
            if held == version and not self.history(name, alias)[-1].rebuilt:
                return True
            if not is_wanted:
                return False
            self._change(folder, alias, AliasChange(version, now(), reason))
            return True

    def delete_alias(self, name: str, alias: str, reason: str = "") -> None:
        """Delete the alias. Its history stays on disk, and is continued when the alias is set again.

        Raises NotFoundError, CurrentAliasError for `current`, which cannot be deleted.
        """
        self._known(name, alias)
        if alias == CURRENT:
            raise CurrentAliasError(name)
        folder = self._folder(name)
        with self._locked(folder):
            version = self.aliases(name)[self._known(name, alias)]
            self._change(folder, alias, AliasChange(version, now(), reason, deleted=True))

    def rollback(self, name: str, alias: str = CURRENT, reason: str = "") -> int:
        """Point the alias to the version that it pointed to before; doing so twice goes two steps back.

        Returns the version. Raises NotFoundError, NoEarlierVersionError.
        """
        self._known(name, alias)
        folder = self._folder(name)
        with self._locked(folder):
            version = earlier(self.history(name, alias), lambda version: self._is_whole(name, version))
            if version is None:
                raise NoEarlierVersionError(f"{name}@{alias} has pointed to no other version that still exists")
            self._change(folder, alias, AliasChange(version, now(), reason, rolled_back=True))
            return version

    def delete(self, name: str, version: int) -> None:
        """Delete a version; its number stays taken. Raises NotFoundError, AliasedError while an alias points to it.

        An alias of a damaged version then points to the version that served in its place, the last undamaged one that
        it pointed to before, or, without one, is deleted.
        """
        folder = self._known_path(name, version).parent
        is_damaged = bool(self._pointing(name, version)) and not self._is_whole(name, version)  # reading takes long
        with self._locked(folder):
            self._known_path(name, version)
            pointing = self._pointing(name, version)
            if pointing and not is_damaged:
                raise AliasedError(name, version, pointing)
            histories = self._aliases.histories(folder)
            for alias in pointing:
                change = self._leaving(name, histories[alias], f"version {version} was damaged and is deleted")
                histories = appended(histories, alias, change)
            self._remove(folder, version, histories)

    def _pointing(self, name: str, version: int) -> list[str]:
        return sorted(alias for alias, held in self.aliases(name).items() if held == version)

    def _leaving(self, name: str, changes: tuple[AliasChange, ...], reason: str) -> AliasChange:
        """The change that points an alias away from the damaged version that it points to, or deletes it."""
        before = earlier(changes, lambda version: self._is_whole(name, version))
        return AliasChange(before or changes[-1].version, now(), reason, deleted=before is None)

    def _change(self, folder: Path, alias: str, change: AliasChange) -> None:
        """Append the change to the alias's history; the caller holds the model's lock."""
        self._write_aliases(folder, appended(self._aliases.histories(folder), alias, change))

    def _write_aliases(self, folder: Path, histories: Histories) -> None:
        """Replace the model's aliases; the caller holds its lock."""
        write(folder, histories)

    def _remove(self, folder: Path, version: int, histories: Histories) -> None:
        """Remove a version, once the aliases that pointed to it have these histories; the caller holds the model's
        lock."""
        if histories != self._aliases.histories(folder):
            self._write_aliases(folder, histories)
        versions.remove(folder, version)
        sidecars.tidy(folder, versions.numbers(folder))

    def _known(self, name: str, alias: str) -> str:
        if alias not in self.aliases(name):
            raise NotFoundError("alias", f"model {name} has no alias {check_alias(alias)}")
        return alias

    @contextmanager
    def _locked(self, folder: Path) -> Iterator[None]:
        """Hold the model's lock, after repairing the alias file if necessary."""
        with self._aliases.locked(folder, self.patience):
            yield
