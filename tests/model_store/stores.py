"""The two kinds of stores, for tests of what both promise."""

from __future__ import annotations

from pathlib import Path

from durable.directory_objects import DirectoryObjects
from model_store import ModelStore
from model_store.shared import SharedModelStore


def afresh(store: ModelStore) -> ModelStore:
    """The store as another process of the same machine finds it, which remembers nothing."""
    return (
        SharedModelStore(store.root, store.objects) if isinstance(store, SharedModelStore) else ModelStore(store.root)
    )


def kept(store: ModelStore, path: Path) -> Path:
    """Where the truth about this file in the store's folder is kept: in a shared store, the folder is only a mirror."""
    if not isinstance(store, SharedModelStore):
        return path
    assert isinstance(store.objects, DirectoryObjects)
    return store.objects.root / "models" / path.relative_to(store.root)


def notice(store: ModelStore) -> None:
    """See what was changed by others, on other machines, too."""
    if isinstance(store, SharedModelStore):
        store.refresh()


def names(folder: Path) -> set[str]:
    """The files in a model's folder, but for the e-tags of a mirror."""
    return {path.name for path in folder.iterdir()} - {".etags.json"}
