"""Finds damaged files in a model's folder, cheaply enough to be called repeatedly; repairs nothing."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from pathlib import Path

from charrnn import checkpoint as checkpoints
from charrnn import novelty
from charrnn.checkpoint import CheckpointError
from durable.entries import is_file, is_folder, is_there
from durable.listing import FilesCache, FolderCache
from durable.reading import DamagedFileError, FaultCache
from model_store import known_texts, sidecars, versions
from model_store.errors import DamagedVersionError, NotFoundError
from model_store.names import check_name, is_name
from model_store.store import ModelStore


class Faults:
    """Inspects a store's files; a file that has not changed since its last inspection is not read again.

    Of a version the header and the file's size are checked. Verifying the weights takes reading them: `verify` does
    that.
    """

    def __init__(self, store: ModelStore) -> None:
        self._store = store
        self._models = FilesCache(self._of)
        self._looks, self._weights = FaultCache(), FaultCache()
        self._sidecars = FolderCache(sidecars.beside)

    def strays(self, models: Collection[str]) -> list[str]:
        """The names in the store's folder that a model may have, without those of the `models` that have a version."""
        names = os.listdir(self._store.root) if self._store.root.is_dir() else []  # noqa: PTH208 (one call)
        return sorted(name for name in set(names).difference(models) if is_name(name))

    def of_stray(self, name: str) -> list[str]:
        """What is wrong with what has this name, but no version: it is no folder, or its versions have vanished. A
        model that is about to get its first version, or whose versions were all deleted, is not damaged."""
        folder = self._store.root / check_name(name)
        if not is_there(folder) or versions.numbers(folder):
            return []
        if not is_folder(folder):
            return [versions.NO_FOLDER]
        found = self._of_aliases(name)
        if not found and not versions.ever(folder):
            found = [f"{path.name} is there, but no version" for path in self._beside(folder)]
        return found

    def _beside(self, folder: Path) -> list[Path]:
        return [path for paths in self._sidecars.of(folder).values() for path in paths]

    def of(self, name: str) -> list[str]:
        """What is wrong with the model's aliases, versions and sidecars. Raises NotFoundError."""
        return list(self._models.of(self._store.root / check_name(name)))

    def _of(self, folder: Path) -> list[str]:
        found = self._of_aliases(folder.name)
        for version in self._store.versions(folder.name):
            if fault := self.of_version(folder.name, version):
                found.append(f"version {version}: {fault}")
        return found

    def of_version(self, name: str, version: int) -> str:
        """What is wrong with the version or its sidecars; empty when nothing is."""
        folder = self._store.root / name

        def described(_: Path) -> str:
            return version_fault(self._store, name, version)

        if fault := self._looks.fault(folder / f"{version}.safetensors", described):
            return fault
        if damaged := self._weights.known(folder / f"{version}.safetensors"):
            return damaged
        beside = self._sidecars.of(folder).get(version, [])
        found = (self._looks.fault(path, _sidecar_fault) for path in beside)
        return "; ".join(filter(None, found))

    def has_sound(self, name: str, version: int, kind: str) -> bool:
        """Whether the version has a sidecar of this kind that can be read."""
        found = self._sidecars.of(self._store.root / name).get(version, [])
        return any(
            not self._looks.fault(each, _sidecar_fault) for each in found if each.name == f"{version}.{kind}.json"
        )

    def verify(self, name: str) -> Iterator[int]:
        """Verify the model's versions that have changed since their last verification, one after the other; yields
        their numbers. Raises NotFoundError."""
        folder = self._store.root / name
        for version in self._store.versions(name):
            path = folder / f"{version}.safetensors"
            if self._weights.known(path) is None and self._store.is_here(name, version):
                if self._weights.fault(path, _weights_fault):
                    self._models.forget(folder)
                yield version

    def _of_aliases(self, name: str) -> list[str]:
        try:
            aliases = self._store.aliases(name)
        except NotFoundError:  # it has no alias, and no version either
            return []
        existing, found = set(versions.numbers(self._store.root / name)), []
        for alias, version in sorted(aliases.items()):
            last = self._store.history(name, alias)[-1]
            if last.rebuilt:
                found.append(f"{alias} points to version {version}: {last.reason}")
            if version not in existing:
                found.append(f"{alias} points to version {version}, which does not exist")
        return found


def _sidecar_fault(path: Path) -> str:
    if path.suffix == ".json":
        return sidecars.fault(path)
    if not path.name.endswith(f".{known_texts.KIND}.bin"):
        return ""
    try:
        novelty.load(path)
    except DamagedFileError as error:
        return str(error)
    except FileNotFoundError:
        return ""
    return ""


def _weights_fault(path: Path) -> str:
    if not is_file(path):
        return ""  # that is said already
    try:
        checkpoints.verify(path)
    except CheckpointError as error:
        return str(error)
    except FileNotFoundError:
        return ""
    return ""


def version_fault(store: ModelStore, name: str, version: int) -> str:
    """Why the version cannot be used, as far as its header and its size show; empty when nothing is wrong."""
    try:
        store.describe(name, version)
    except DamagedVersionError as error:
        return error.reason
    except NotFoundError:
        return ""
    return ""
