"""Brings a model's mirror up to what its store has: versions first, then the aliases that may point to them, then what
was deleted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress

from durable.entries import is_there
from durable.objects import ObjectDamagedError, ObjectInfo, ObjectMissingError
from model_store import aliases, etags, sidecars, versions
from model_store.mirror import PUBLISHED, ModelMirror, is_leftover

Found = Mapping[str, ObjectInfo]
"""A model's objects in the store, by the names of their files."""


def follow(mirror: ModelMirror, found: Found) -> bool:
    """Take over what is new among the model's objects in the store; returns whether the folder has changed. Raises
    OSError."""
    if not found and not is_there(mirror.folder):
        return False
    mirror.folder.mkdir(parents=True, exist_ok=True)
    before = mirror.etags()
    new = {name: info for name, info in found.items() if before.get(name) != info.etag}
    existing, deleted = versions.among(found)
    changed = _take_versions(mirror, new, existing)
    changed |= _take_sidecars(mirror, new, existing)
    if aliases.FILE in new:
        changed |= take_aliases(mirror)
    changed |= _bury(mirror, found, deleted)
    return _forget(mirror, before.keys() - found.keys()) or changed


def _take_versions(mirror: ModelMirror, new: Found, existing: Iterable[int]) -> bool:
    changed = False
    for number in sorted(existing):
        if info := new.get(f"{number}{versions.SUFFIX}"):
            with suppress(ObjectMissingError):
                changed |= mirror.take_version(number, info)
    return changed


def _take_sidecars(mirror: ModelMirror, new: Found, existing: Iterable[int]) -> bool:
    beside = sidecars.beside(mirror.folder, new)
    names = [path.name for number in existing for path in beside.get(number, [])]
    kept = [name for name in names if not name.endswith(f".{PUBLISHED}.json")]
    for name in kept:
        mirror.take(name)
    return bool(kept)


def take_aliases(mirror: ModelMirror) -> bool:
    """Take over the aliases, once the weights of all versions that they point to are here, as far as these can be had;
    returns whether there are any."""
    tried: set[int] = set()
    while True:
        with mirror.locked():
            content = mirror.get(aliases.FILE)
            if content is None:
                return False
            histories = _parsed(content.data)
            missing = {number for number in aliases.held(histories).values() if not mirror.has(number)} - tried
            if not missing:
                mirror.keep(aliases.FILE, content)
                for number in aliases.deletions(histories):
                    if not is_there(mirror.folder / f"{number}{versions.DELETED}"):
                        mirror.delete(number)
                return True
        for number in missing:
            tried.add(number)
            with suppress(ObjectMissingError, ObjectDamagedError):
                bring(mirror, number)


def bring(mirror: ModelMirror, number: int) -> None:
    """Have the version's weights here. Raises ObjectMissingError, ObjectDamagedError."""
    if not is_there(path := mirror.version(number)):
        mirror.take_version(number, mirror.objects.look(mirror.key(path.name)))
    mirror.bring(number)


def _parsed(data: bytes) -> aliases.Histories:
    """The aliases; none if the store's are damaged, which are then rebuilt like a damaged file, once they are read."""
    with suppress(ValueError):
        return aliases.parsed(data)
    return {}


def _bury(mirror: ModelMirror, found: Found, deleted: Iterable[int]) -> bool:
    changed = False
    for number in sorted(deleted):
        for name in found:
            if name.startswith(f"{number}.") and is_leftover(name):
                mirror.objects.delete(mirror.key(name))
        if is_there(mirror.version(number)) or not is_there(mirror.folder / f"{number}{versions.DELETED}"):
            with mirror.locked():
                mirror.bury(number)
            changed = True
    return changed


def _forget(mirror: ModelMirror, missing: Iterable[str]) -> bool:
    """Remove what is no longer in the store, but was: files that were never there stay, and so do the aliases while
    there are versions; the next change of them puts them into the store again."""
    changed = False
    for name in sorted(missing, key=lambda name: (name == aliases.FILE, name)):
        with mirror.locked():
            if mirror.look(name) is None:
                if name == aliases.FILE and versions.numbers(mirror.folder):
                    etags.note(mirror.folder, {name: None})
                else:
                    mirror.forget(name)
                changed = True
    return changed
