"""The models of several machines, which share an object store: what writes, writes there first; what reads looks at
this machine's mirror alone."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from charrnn.checkpoint import Checkpoint
from durable.drafts import Draft
from durable.entries import is_there
from durable.objects import (
    Content,
    ObjectChangedError,
    ObjectDamagedError,
    ObjectExistsError,
    ObjectInfo,
    ObjectMissingError,
    Objects,
    StoreUnavailableError,
)
from model_store import etags, placeholders, sidecars, versions
from model_store.aliases import FILE, Histories, earlier, with_deletion
from model_store.errors import DamagedVersionError, NotFoundError
from model_store.eviction import make_room
from model_store.following import Found, follow
from model_store.mirror import ModelMirror
from model_store.names import CURRENT, check_name, is_name
from model_store.shared_aliases import SharedAliasFiles
from model_store.store import FOLDER, ModelStore

T = TypeVar("T")

MOST_BYTES: Final = 64 << 30
PATIENCE_SECONDS: Final = 60.0
"""For how long a change is tried again because other machines were faster."""
PAUSE_SECONDS: Final = 0.02
AT_ONCE: Final = 8
"""How many models are brought up to date at the same time."""
KNOWN_TRIES: Final = 4
"""How often a publication is tried with the numbers that are known here, before all objects of the model are listed: a
list takes longer with each version."""


class SharedModelStore(ModelStore):
    """The models in `objects`, mirrored under `root`, which the processes of one machine share.

    What reads is as in ModelStore, and sees another machine's change once a process of this one has called `refresh`;
    only weights are fetched when they are asked for: those that no alias points to may be gone from the mirror, which
    has up to `most_bytes` of them. What writes brings the model up to date first, and raises StoreUnavailableError
    while the store is away: it is then unknown whether the change was made. `announce` is called after each change.
    """

    def __init__(
        self,
        root: Path,
        objects: Objects,
        *,
        most_bytes: int = MOST_BYTES,
        announce: Callable[[], object] = lambda: None,
    ) -> None:
        super().__init__(root)
        self._aliases = SharedAliasFiles(self._best, self._mirror_in)
        self.objects = objects
        self._most_bytes = self._new_bytes = most_bytes
        self._announce = announce
        self._followed: dict[str, object] = {}
        """The state of each model when its mirror was last brought up to date."""
        self._damaged: dict[tuple[str, int], str] = {}
        """The e-tags of the versions that were fetched again because they were damaged, and still were."""

    def refresh(self, listed: Iterable[ObjectInfo] | None = None) -> bool:
        """Bring the mirror up to date; returns whether anything has changed. `listed`: the store's objects, those of
        the models at least, if they are known. Raises OSError."""
        found = _by_model(self.objects.list(f"{FOLDER}/") if listed is None else listed)
        names = {**found, **self._followed, **({} if self._followed else dict.fromkeys(self._mirrored()))}
        new = [name for name in names if self._state(name, found.get(name, {})) != self._followed.get(name)]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return any(list(pool.map(lambda name: self._follow(name, found.get(name, {})), new)))

    def load(self, name: str, version: int) -> Checkpoint:
        """The verified checkpoint. Raises NotFoundError, DamagedVersionError, and OSError for weights that are not here
        while the store is away."""
        return self._with_weights(name, version, super().load)

    def verify(self, name: str, version: int) -> None:
        """Read the version's file to see that it is as it was published. Raises as `load` does."""
        self._with_weights(name, version, super().verify)

    def path(self, name: str, version: int) -> Path:
        """The version's file, with its weights. Raises as `load` does."""
        self._bring(name, version)
        return super().path(name, version)

    def is_here(self, name: str, version: int) -> bool:
        """Whether the version's weights are on this machine's disk."""
        return self._mirror(name).has(version)

    def find(self, name: str, digest: str, after: int = 0) -> int | None:
        """As in ModelStore; also a version that another machine has published just now."""
        self._follow_now(name)
        return super().find(name, digest, after)

    def keep(self, name: str, version: int, kind: str, value: sidecars.Sidecar) -> None:
        """As in ModelStore."""
        self._changed(name, partial(super().keep, name, version, kind, value))

    def keep_bytes(self, name: str, version: int, kind: str, data: bytes) -> None:
        """As in ModelStore."""
        self._changed(name, partial(super().keep_bytes, name, version, kind, data))

    def set_alias_if(
        self, name: str, alias: str, version: int, condition: Callable[[int | None], bool], reason: str = ""
    ) -> bool:
        """As in ModelStore; `condition` may be asked again if another machine was faster."""

        point = partial(super().set_alias_if, name, alias, version, condition, reason)

        def change() -> bool:
            self._bring(name, version)
            return point()

        return self._changed(name, change)

    def delete_alias(self, name: str, alias: str, reason: str = "") -> None:
        """As in ModelStore."""
        self._changed(name, partial(super().delete_alias, name, alias, reason))

    def rollback(self, name: str, alias: str = CURRENT, reason: str = "") -> int:
        """As in ModelStore."""

        point = partial(super().rollback, name, alias, reason)

        def change() -> int:
            self._fetch_earlier(name, alias)
            return point()

        return self._changed(name, change)

    def delete(self, name: str, version: int) -> None:
        """As in ModelStore."""

        remove = partial(super().delete, name, version)

        def change() -> None:
            for alias in self._pointing(name, version):
                self._fetch_earlier(name, alias)
            remove()

        self._changed(name, change)

    def _publish(self, name: str, checkpoint: Checkpoint, condition: Callable[[], bool]) -> int | None:
        folder, data = self._folder(name), checkpoint.to_bytes()
        try:
            with versions.draft_in(folder) as draft:
                draft.file.write(data)
                draft.finish()
                return self._changed(
                    name, lambda: self._publish_draft(folder, draft) if condition() else None, known_tries=KNOWN_TRIES
                )
        except OSError:
            versions.forget_if_empty(folder)
            raise

    def _publish_draft(self, folder: Path, draft: Draft) -> int:
        """Raises ObjectExistsError if another machine was faster; its version is then known here."""
        mirror, number = self._mirror_in(folder), versions.next_number(folder)
        file = f"{number}{versions.SUFFIX}"
        try:
            etag = self.objects.put_new_file(mirror.key(file), draft.path)
        except ObjectExistsError:
            if info := mirror.look(file):
                with suppress(ObjectMissingError):
                    mirror.take_version(number, info)
            raise
        if mirror.look(f"{number}{versions.DELETED}"):  # published and deleted since this mirror was brought up to date
            self.objects.delete(mirror.key(file))
            raise ObjectExistsError(mirror.key(file))
        mirror.put_version(number, draft, etag)
        self._make_room(os.fstat(draft.file.fileno()).st_size, (folder.name, number))
        return number

    def _write_aliases(self, folder: Path, histories: Histories) -> None:
        mirror = self._mirror_in(folder)
        mirror.write_aliases(histories, mirror.etags().get(FILE))

    def _write_sidecar(self, path: Path, data: bytes) -> None:
        mirror = self._mirror_in(path.parent)
        mirror.keep(path.name, Content(data, self.objects.put(mirror.key(path.name), data)))

    def _remove(self, folder: Path, version: int, histories: Histories) -> None:
        """The change of the aliases decides: another machine that has just pointed an alias to the version, or is about
        to, has changed them, or will find them changed."""
        self._write_aliases(folder, with_deletion(histories, version))
        self._mirror_in(folder).delete(version)

    def _is_whole(self, name: str, version: int) -> bool:
        """Fetches nothing: the model's lock may be held."""
        if self.is_here(name, version):
            return super()._is_whole(name, version)
        try:
            self.describe(name, version)
        except (DamagedVersionError, NotFoundError):
            return False
        return True

    def _fetch_earlier(self, name: str, alias: str) -> None:
        """Fetch the weights of the version that the alias would go back to."""

        def is_whole(version: int) -> bool:
            with suppress(DamagedVersionError, NotFoundError):
                self.verify(name, version)
                return True
            return False

        with suppress(NotFoundError):
            earlier(self.history(name, alias), is_whole)

    def _with_weights(self, name: str, version: int, read: Callable[[str, int], T]) -> T:
        self._bring(name, version)
        try:
            return read(name, version)
        except DamagedVersionError:
            if not self._fetched_again(name, version):
                raise
            return read(name, version)

    def _bring(self, name: str, version: int) -> None:
        """Fetch the version's weights if they are not here. Raises DamagedVersionError, OSError."""
        mirror = self._mirror(name)
        if not placeholders.is_marked(mirror.folder, version):
            mirror.used(version)
            return
        try:
            mirror.bring(version)
        except ObjectMissingError as error:
            self._follow_now(name)
            if is_there(mirror.version(version)):
                raise DamagedVersionError(name, version, "the store no longer has its file") from error
        except ObjectDamagedError as error:
            raise DamagedVersionError(name, version, error.reason) from error
        self._make_room(self.size_and_time(name, version)[0], (name, version))

    def _fetched_again(self, name: str, version: int) -> bool:
        """Whether a version that is damaged here was fetched once more: not if the store's is damaged."""
        mirror = self._mirror(name)
        etag = mirror.etags().get(mirror.version(version).name)
        if etag is None or (mirror.has(version) and self._damaged.get((name, version)) == etag):
            return False
        if mirror.has(version):
            self._damaged[name, version] = etag
            placeholders.mark(mirror.folder, version)
        try:
            mirror.bring(version)
        except (ObjectMissingError, ObjectDamagedError, StoreUnavailableError):
            return False
        return True

    def _make_room(self, new_bytes: int, wanted: tuple[str, int] | None = None) -> None:
        """Let go of weights if there are too many, which is looked at each time that they have grown by a hundredth of
        the bound: `new_bytes` are new."""
        self._new_bytes += new_bytes
        if self._new_bytes * 100 < self._most_bytes:
            return
        self._new_bytes = 0
        mirrors = (self._mirror(name) for name in self._mirrored())
        make_room(mirrors, self._most_bytes, lambda name: self.aliases(name).values(), wanted)

    def _changed(self, name: str, change: Callable[[], T], known_tries: int = 0) -> T:
        """Make the change to the model as the store has it now, again if another machine was faster; the first
        `known_tries` times as it is known here."""
        check_name(name)
        deadline = time.monotonic() + PATIENCE_SECONDS
        tries = 0
        while True:
            if tries >= known_tries:
                self._follow_now(name)
            tries += 1
            try:
                done = change()
            except (ObjectChangedError, ObjectExistsError) as error:
                if time.monotonic() > deadline:
                    raise StoreUnavailableError(f"model {name} is changed by too many at once") from error
                time.sleep(random.uniform(0, PAUSE_SECONDS))
            else:
                self._announce()
                return done

    def _follow_now(self, name: str) -> None:
        """Bring the model's mirror up to date."""
        found = _by_model(self.objects.list(f"{FOLDER}/{check_name(name)}/"))
        self._follow(name, found.get(name, {}))

    def _follow(self, name: str, found: Found) -> bool:
        mirror, state = self._mirror(name), self._state(name, found)
        changed = follow(mirror, found)
        if found or name in self._followed:
            self._followed[name] = state
        if changed:
            self._aliases.histories(mirror.folder)  # if they are damaged in the store, they are rebuilt now
            self._make_room(sum(info.size for info in found.values()))
        return changed

    def _state(self, name: str, found: Found) -> object:
        """What is different when the model has changed in the store, or what is known of it here."""
        return {file: info.etag for file, info in found.items()}, etags.state(self._folder(name))

    def _mirrored(self) -> list[str]:
        if not self.root.is_dir():
            return []
        return [entry.name for entry in os.scandir(self.root) if is_name(entry.name) and entry.is_dir()]

    def _mirror(self, name: str) -> ModelMirror:
        return self._mirror_in(self._folder(name))

    def _mirror_in(self, folder: Path) -> ModelMirror:
        return ModelMirror(folder, self.objects)


def _by_model(objects: Iterable[ObjectInfo]) -> dict[str, dict[str, ObjectInfo]]:
    """The objects of each model, by the names of their files."""
    found: dict[str, dict[str, ObjectInfo]] = {}
    for info in objects:
        folder, _, rest = info.key.partition("/")
        name, _, file = rest.partition("/")
        if folder == FOLDER and file and "/" not in file and is_name(name):
            found.setdefault(name, {})[file] = info
    return found
