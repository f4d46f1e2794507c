"""The published versions of all models: written once, then listed, read and verified; knows no aliases."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from charrnn import checkpoint as checkpoints
from charrnn.checkpoint import Checkpoint, CheckpointError
from charrnn.config import ModelConfig
from charrnn.record import TrainingRecord
from durable import files, locks
from durable.clock import iso
from durable.entries import is_file, is_there
from durable.listing import FolderCache
from model_store import sidecars, versions
from model_store.comparison import better
from model_store.errors import DamagedVersionError, NotFoundError
from model_store.names import check_name, is_name

MOST_DIGITS: Final = 20
"""The maximum length of a number that a message repeats whole."""

T = TypeVar("T")

Place = tuple[int, str]
"""When a model began, in nanoseconds since 1970, and its name."""


@dataclass(frozen=True)
class VersionInfo:
    """Version information, without the weights: `digest` SHA-256 in hexadecimal, `bytes` of the file, `published` UTC
    ISO 8601."""

    name: str
    version: int
    config: ModelConfig
    record: TrainingRecord
    digest: str
    bytes: int
    published: str


def _place(folder: Path, _: list[str]) -> Place | None:
    return (versions.began(folder), folder.name) if versions.numbers(folder) else None


class PublishedVersions:
    """The models under `root`, one folder a name, with `<version>.safetensors` files that never change."""

    patience: float | None = None
    """How many seconds a change waits for one that another process makes in the same model; None: until that is over.
    Beyond them it raises HeldError, and nothing is changed."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._places = FolderCache(_place)

    def publish(self, name: str, checkpoint: Checkpoint) -> int:
        """Publish the checkpoint as the next version of `name`, atomically, on disk, and under a number never used
        before.

        Raises OSError when the disk fails or is full; nothing is left behind then.
        """
        version = self._publish(name, checkpoint, lambda: True)
        assert version is not None
        return version

    def publish_first(self, name: str, checkpoint: Checkpoint) -> int | None:
        """Publish the checkpoint as version 1; returns None, and publishes nothing, if the model ever had a version."""
        return self._publish(name, checkpoint, lambda: not self.has(name))

    def publish_if(self, name: str, checkpoint: Checkpoint, condition: Callable[[], bool]) -> int | None:
        """Publish the checkpoint if `condition` holds; returns None otherwise. It is asked again before another try, if
        another machine has taken the number."""
        return self._publish(name, checkpoint, condition)

    def _publish(self, name: str, checkpoint: Checkpoint, condition: Callable[[], bool]) -> int | None:
        folder, data = self._folder(name), checkpoint.to_bytes()
        try:
            with versions.draft_in(folder) as draft:
                draft.file.write(data)
                draft.finish()
                with self._locked(folder):
                    versions.tidy(folder)
                    sidecars.tidy(folder, versions.numbers(folder))
                    return versions.publish(folder, draft) if condition() else None
        except OSError:
            versions.forget_if_empty(folder)
            raise

    def load(self, name: str, version: int) -> Checkpoint:
        """The verified checkpoint. Raises NotFoundError, DamagedVersionError."""
        return self._read(name, version, checkpoints.load)

    def describe(self, name: str, version: int) -> VersionInfo:
        """Version information from the header, not verified against the weights. Raises NotFoundError,
        DamagedVersionError."""
        config, record, digest = self._read(name, version, checkpoints.describe)
        return VersionInfo(name, version, config, record, digest, *self.size_and_time(name, version))

    def verify(self, name: str, version: int) -> None:
        """Read the version's file to see that it is as it was published. Raises NotFoundError, DamagedVersionError."""
        self._read(name, version, checkpoints.verify)

    def size_and_time(self, name: str, version: int) -> tuple[int, str]:
        """The size of the version's file in bytes and when it was published, UTC, ISO 8601, damaged or not. Raises
        NotFoundError."""
        stat = self._known_path(name, version).lstat()
        return stat.st_size, iso(stat.st_mtime)

    def path(self, name: str, version: int) -> Path:
        """The version's file, with its weights. Raises NotFoundError, and DamagedVersionError if it is not a regular
        file."""
        return self._regular_path(name, version)

    def is_here(self, name: str, version: int) -> bool:
        """Whether the version's file is on this machine's disk; it need not be where several machines share a store."""
        return is_there(self._folder(name) / f"{version}{versions.SUFFIX}")

    def _regular_path(self, name: str, version: int) -> Path:
        path = self._known_path(name, version)
        if not is_file(path):
            self._known_path(name, version)  # A version deleted meanwhile is missing, not damaged.
            raise DamagedVersionError(name, version, "no regular file has its name")
        return path

    def models(self) -> list[str]:
        """The names of the models that have a version, sorted."""
        return sorted(name for _, name in self.places())

    def places(self) -> list[Place]:
        """The places of the models that have a version, the oldest model first."""
        if not self.root.is_dir():
            return []
        names = [
            entry.name for entry in os.scandir(self.root) if is_name(entry.name) and entry.is_dir(follow_symlinks=False)
        ]
        return sorted(filter(None, (self._places.of(self.root / name) for name in names)))

    def place(self, name: str) -> Place:
        """The place of this model, even if all its versions were deleted. Raises InvalidNameError, NotFoundError."""
        if not self.has(name):
            raise NotFoundError("model", f"there is no model {name}")
        return versions.began(self._folder(name)), name

    def versions(self, name: str) -> list[int]:
        """The model's versions, ascending. Raises NotFoundError when it never had one."""
        folder = self._folder(name)
        found = versions.numbers(folder)
        if not found and not versions.ever(folder):
            raise NotFoundError("model", f"there is no model {name}")
        return found

    def has(self, name: str) -> bool:
        """Whether the model ever had a version, including deleted ones."""
        return versions.ever(self._folder(name))

    def find(self, name: str, digest: str, after: int = 0) -> int | None:
        """The first version after `after` whose checkpoint has this digest, if any."""
        for version in versions.numbers(self._folder(name)):
            with suppress(DamagedVersionError, NotFoundError):
                if version > after and self.describe(name, version).digest == digest:
                    return version
        return None

    def keep(self, name: str, version: int, kind: str, value: sidecars.Sidecar) -> None:
        """Store a sidecar of this kind beside the version, as long as the version exists. Raises NotFoundError,
        OSError."""
        self._keep(name, version, sidecars.json_path(self._folder(name), version, kind), sidecars.encoded(value))

    def keep_bytes(self, name: str, version: int, kind: str, data: bytes) -> None:
        """The same for a sidecar of bytes."""
        self._keep(name, version, sidecars.bytes_path(self._folder(name), version, kind), data)

    def _keep(self, name: str, version: int, path: Path, data: bytes) -> None:
        """Write a sidecar, atomically replacing an earlier one."""
        folder = self._regular_path(name, version).parent
        with self._locked(folder):
            self._regular_path(name, version)
            self._write_sidecar(path, data)

    def _write_sidecar(self, path: Path, data: bytes) -> None:
        """The caller holds the model's lock."""
        files.put(path, data)

    def bytes_path(self, name: str, version: int, kind: str) -> Path:
        """Where the version's sidecar of bytes of this kind is, if there is one. Raises NotFoundError."""
        return sidecars.bytes_path(self._known_path(name, version).parent, version, kind)

    def kept(self, name: str, version: int, kind: str) -> sidecars.Sidecar | None:
        """The version's sidecar of this kind, if there is one. Raises NotFoundError."""
        return sidecars.read(self._known_path(name, version).parent, version, kind)

    def _best(self, name: str) -> int | None:
        """The version that would serve if all had been published in order with the policy `if_better`."""
        best: tuple[int, TrainingRecord] | None = None
        for version in versions.numbers(self._folder(name)):
            with suppress(DamagedVersionError, NotFoundError):
                record = self.describe(name, version).record
                if best is None or better(record, best[1]):
                    best = version, record
        return best[0] if best else None

    def _is_whole(self, name: str, version: int) -> bool:
        """Whether all of the version's file is as it was published, which takes reading it."""
        try:
            self.verify(name, version)
        except (DamagedVersionError, NotFoundError):
            return False
        return True

    def _read(self, name: str, version: int, read: Callable[[Path], T]) -> T:
        try:
            return read(self._regular_path(name, version))
        except FileNotFoundError as error:
            raise self._missing(name, version) from error
        except CheckpointError as error:
            self._known_path(name, version)  # A version deleted while being read is missing, not damaged.
            raise DamagedVersionError(name, version, str(error)) from error

    def _known_path(self, name: str, version: int) -> Path:
        """The version's path, damaged or not. Raises NotFoundError."""
        path = self._folder(name) / f"{version}{versions.SUFFIX}"
        if path.parent.is_symlink() or not is_there(path):
            raise self._missing(name, version)
        return path

    def _missing(self, name: str, version: int | str) -> NotFoundError:
        if not versions.ever(self._folder(name)):
            return NotFoundError("model", f"there is no model {name}")
        number = str(version)
        shown = number if len(number) <= MOST_DIGITS else f"{number[:MOST_DIGITS]}… ({len(number)} digits)"
        return NotFoundError("version", f"model {name} has no version {shown}")

    def _folder(self, name: str) -> Path:
        return self.root / check_name(name)

    @contextmanager
    def _locked(self, folder: Path) -> Iterator[None]:
        """Hold the model's lock, which is required for every change in its folder."""
        with locks.locked(folder / versions.LOCK, self.patience):
            yield
