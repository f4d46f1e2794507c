"""Which checkpoints exist under which names; knows nothing of who trains them or who generates with them."""

from __future__ import annotations

import logging
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
from durable import locks
from durable.clock import iso, now
from durable.names import is_there, keep_copy, set_aside
from durable.reading import DamagedFileError
from model_store import sidecars, versions
from model_store.aliases import FILE, AliasChange, AliasReader, Histories, append, earlier, rebuilt, write
from model_store.comparison import better
from model_store.errors import (
    AliasedError,
    CurrentAliasError,
    DamagedVersionError,
    NoEarlierVersionError,
    NotFoundError,
)
from model_store.names import CURRENT, check_alias, check_name, is_name, is_number

T = TypeVar("T")

FOLDER: Final = "models"
"""Where a store is in the directory in which a service keeps its data."""

MEND_SECONDS: Final = 5.0

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class VersionRecord:
    """What a version says of itself: `digest` SHA-256 in hexadecimal, `bytes` of the file, `published` UTC ISO 8601."""

    name: str
    version: int
    config: ModelConfig
    record: TrainingRecord
    digest: str
    bytes: int
    published: str


class ModelStore:
    """The models under `root`, one folder a name: `<version>.safetensors` files that never change, and their aliases.

    Any number of threads and processes may use the same root. Every method takes names as they come and raises
    InvalidNameError for those that could leave the store, NotFoundError for what is not there.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._aliases = AliasReader()

    def publish(self, name: str, checkpoint: Checkpoint) -> int:
        """Make the checkpoint the next version of `name`: whole, on disk and under a number never given before.

        Raises OSError when the disk fails or is full; nothing is left behind then.
        """
        version = self._publish(name, checkpoint, lambda: True)
        assert version is not None
        return version

    def publish_first(self, name: str, checkpoint: Checkpoint) -> int | None:
        """Publish the checkpoint as version 1, or nothing (None) when the model ever had a version."""
        return self._publish(name, checkpoint, lambda: not self.has(name))

    def _publish(self, name: str, checkpoint: Checkpoint, condition: Callable[[], bool]) -> int | None:
        folder, data = self._folder(name), checkpoint.to_bytes()
        try:
            with versions.draft_in(folder) as draft:
                draft.file.write(data)
                draft.finish()
                with self._locked(folder):
                    versions.tidy(folder)
                    sidecars.tidy(folder, versions.numbers(folder))
                    return versions.place(folder, draft) if condition() else None
        except OSError:
            versions.forget_if_empty(folder)
            raise

    def load(self, name: str, version: int) -> Checkpoint:
        """The verified checkpoint. Raises NotFoundError, DamagedVersionError."""
        return self._read(name, version, checkpoints.load)

    def describe(self, name: str, version: int) -> VersionRecord:
        """What the header says, not verified against the weights. Raises NotFoundError, DamagedVersionError."""
        config, record, digest = self._read(name, version, checkpoints.describe)
        return VersionRecord(name, version, config, record, digest, *self.size_and_time(name, version))

    def size_and_time(self, name: str, version: int) -> tuple[int, str]:
        """The size of the version's file in bytes and when it was published, UTC, ISO 8601, damaged or not. Raises
        NotFoundError."""
        stat = self._known_path(name, version).lstat()
        return stat.st_size, iso(stat.st_mtime)

    def path(self, name: str, version: int) -> Path:
        """The version's file. Raises NotFoundError, DamagedVersionError when something else has its name."""
        path = self._known_path(name, version)
        if not path.is_file():
            raise DamagedVersionError(name, version, "no regular file has its name")
        return path

    def _known_path(self, name: str, version: int) -> Path:
        """Where the version is, sound or not. Raises NotFoundError."""
        path = self._folder(name) / f"{version}{versions.SUFFIX}"
        if not is_there(path):
            raise self._missing(name, version)
        return path

    def models(self) -> list[str]:
        """The names of the models that have a version, sorted."""
        if not self.root.is_dir():
            return []
        names = (entry.name for entry in self.root.iterdir() if entry.is_dir())
        return sorted(name for name in names if is_name(name) and versions.numbers(self.root / name))

    def versions(self, name: str) -> list[int]:
        """The model's versions, ascending. Raises NotFoundError when it never had one."""
        folder = self._folder(name)
        found = versions.numbers(folder)
        if not found and not versions.ever(folder):
            raise NotFoundError("model", f"there is no model {name}")
        return found

    def has(self, name: str) -> bool:
        """Whether the model ever had a version, deleted ones included."""
        return versions.ever(self._folder(name))

    def find(self, name: str, digest: str, after: int = 0) -> int | None:
        """The first version later than `after` whose checkpoint has this digest, if any."""
        for version in versions.numbers(self._folder(name)):
            with suppress(DamagedVersionError, NotFoundError):
                if version > after and self.describe(name, version).digest == digest:
                    return version
        return None

    def delete(self, name: str, version: int) -> None:
        """Delete a version; its number stays taken. Raises NotFoundError, AliasedError while an alias points to it.

        An alias of a damaged one stands for what served in its place, the sound version that it stood for before it,
        or, without any, for nothing.
        """
        with self._locked(self._known_path(name, version).parent) as folder:
            self._known_path(name, version)
            pointing = sorted(alias for alias, held in self.aliases(name).items() if held == version)
            if pointing and self._is_sound(name, version):
                raise AliasedError(name, version, pointing)
            for alias in pointing:
                self._leave(folder, alias, f"version {version} was damaged and is deleted")
            versions.remove(folder, version)
            sidecars.tidy(folder, versions.numbers(folder))

    def _leave(self, folder: Path, alias: str, reason: str) -> None:
        """Let the alias stand for something else than the damaged version that it stands for."""
        histories = self._histories(folder.name)
        before = earlier(histories[alias], lambda version: self._is_sound(folder.name, version))
        held = histories[alias][-1].version
        append(folder, histories, alias, AliasChange(before or held, now(), reason, deleted=before is None))

    def keep(self, name: str, version: int, kind: str, value: sidecars.Sidecar) -> None:
        """Keep a JSON object of this kind beside the version while it exists. Raises NotFoundError, OSError."""
        with self._locked(self.path(name, version).parent) as folder:
            self.path(name, version)
            sidecars.write(folder, version, kind, value)

    def kept(self, name: str, version: int, kind: str) -> sidecars.Sidecar | None:
        """What is kept of this kind beside the version, if anything. Raises NotFoundError."""
        return sidecars.read(self._known_path(name, version).parent, version, kind)

    def aliases(self, name: str) -> dict[str, int]:
        """What every alias of the model stands for. Raises NotFoundError when there is no such model."""
        folder = self._folder(name)
        try:
            return dict(self._sound(folder, self._aliases.versions))
        except FileNotFoundError:
            self.versions(name)
            return {}

    def history(self, name: str, alias: str = CURRENT) -> tuple[AliasChange, ...]:
        """The alias's changes, oldest first. Raises NotFoundError."""
        return self._histories(name)[self._known(name, alias)]

    def set_alias(self, name: str, alias: str, version: int, reason: str = "") -> None:
        """Let the alias stand for the version from now on, in every process. Raises NotFoundError, DamagedVersionError
        for one that could not serve."""
        self.set_alias_if(name, alias, version, lambda _: True, reason)

    def set_alias_if(
        self, name: str, alias: str, version: int, condition: Callable[[int | None], bool], reason: str = ""
    ) -> bool:
        """Let the alias stand for the version if `condition` holds of what it stands for now (None: nothing), with no
        other change between the question and the answer; returns whether it stands for it."""
        check_alias(alias)
        self.describe(name, version)
        with self._locked(self.path(name, version).parent) as folder:
            self.path(name, version)
            held = self.aliases(name).get(alias)
            if held == version and not self.history(name, alias)[-1].rebuilt:
                return True
            if not condition(held):
                return False
            append(folder, self._histories(name), alias, AliasChange(version, now(), reason))
            return True

    def delete_alias(self, name: str, alias: str, reason: str = "") -> None:
        """Let the alias stand for nothing. Its history stays on disk; who sets it again goes on with it.

        Raises NotFoundError, CurrentAliasError for the one that a model cannot be without.
        """
        self._known(name, alias)
        if alias == CURRENT:
            raise CurrentAliasError(name)
        with self._locked(self._folder(name)) as folder:
            version = self.aliases(name)[self._known(name, alias)]
            append(folder, self._histories(name), alias, AliasChange(version, now(), reason, deleted=True))

    def rollback(self, name: str, alias: str = CURRENT, reason: str = "") -> int:
        """Let the alias stand for what it stood for before; twice goes two steps back.

        Returns the version. Raises NotFoundError, NoEarlierVersionError.
        """
        self._known(name, alias)
        with self._locked(self._folder(name)) as folder:
            version = earlier(self.history(name, alias), lambda version: self._is_sound(name, version))
            if version is None:
                raise NoEarlierVersionError(f"{name}@{alias} has pointed to no other version that still exists")
            change = AliasChange(version, now(), reason, rolled_back=True)
            append(folder, self._histories(name), alias, change)
            return version

    def resolve(self, name: str, selector: str | None = None) -> int:
        """The version that a selector ("3", an alias, None for `current`) stands for now. Raises NotFoundError.

        Made for every request: microseconds, and a promotion by another process is seen at once.
        """
        check_name(name)
        if selector is not None and is_number(selector):
            return self._numbered(name, selector)
        try:
            return self._aliases.versions(f"{self.root}/{name}")[selector or CURRENT]
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

    def _known(self, name: str, alias: str) -> str:
        if alias not in self.aliases(name):
            raise NotFoundError("alias", f"model {name} has no alias {check_alias(alias)}")
        return alias

    def _histories(self, name: str) -> Histories:
        try:
            return self._sound(self._folder(name), self._aliases.histories)
        except FileNotFoundError:
            return {}

    def _sound(self, folder: Path, read: Callable[[str], T]) -> T:
        """What the alias file says; a damaged one is mended first, as far as the disk lets.

        Raises FileNotFoundError.
        """
        try:
            return read(str(folder))
        except DamagedFileError as error:
            if self._was_taken_away(folder):
                raise FileNotFoundError(FILE) from error
            try:
                with self._locked(folder, MEND_SECONDS):
                    pass
            except OSError as failure:
                log.warning("model %s: %s; it cannot be rebuilt: %s", folder.name, error, failure.strerror)
                self._aliases.assume(str(folder), self._rebuilt(folder, error))
            return read(str(folder))

    def _mend_aliases(self, folder: Path) -> None:
        """Put another alias file in the place of a damaged one; the caller holds the model's lock."""
        try:
            self._aliases.histories(str(folder))
        except FileNotFoundError:
            return
        except DamagedFileError as error:
            if self._was_taken_away(folder):
                return
            if made := self._rebuilt(folder, error):
                keep_copy(folder / FILE)
                write(folder, made)
            else:
                set_aside(folder / FILE)
            log.warning("model %s: %s; it is rebuilt, for: %s", folder.name, error, ", ".join(made) or "no alias")

    def _was_taken_away(self, folder: Path) -> bool:
        """Whether there are neither aliases nor versions any more; then what was read of them is forgotten."""
        gone = not is_there(folder / FILE) and not versions.numbers(folder)
        if gone:
            self._aliases.forget(str(folder))
        return gone

    def _rebuilt(self, folder: Path, error: DamagedFileError) -> Histories:
        return rebuilt(self._aliases.remembered(str(folder)), self._best(folder.name), str(error))

    def _best(self, name: str) -> int | None:
        """The version that would serve if all of them had been promoted if better, in their order."""
        best: tuple[int, TrainingRecord] | None = None
        for version in versions.numbers(self._folder(name)):
            with suppress(DamagedVersionError, NotFoundError):
                record = self.describe(name, version).record
                if best is None or better(record, best[1]):
                    best = version, record
        return best[0] if best else None

    def _is_sound(self, name: str, version: int) -> bool:
        try:
            self.describe(name, version)
        except (DamagedVersionError, NotFoundError):
            return False
        return True

    def _read(self, name: str, version: int, read: Callable[[Path], T]) -> T:
        try:
            return read(self.path(name, version))
        except FileNotFoundError as error:
            raise self._missing(name, version) from error
        except CheckpointError as error:
            self._known_path(name, version)  # A version deleted while it was read is missing, not damaged.
            raise DamagedVersionError(name, version, str(error)) from error

    def _missing(self, name: str, version: int | str) -> NotFoundError:
        if not versions.ever(self._folder(name)):
            return NotFoundError("model", f"there is no model {name}")
        return NotFoundError("version", f"model {name} has no version {version}")

    def _folder(self, name: str) -> Path:
        return self.root / check_name(name)

    @contextmanager
    def _locked(self, folder: Path, timeout: float | None = None) -> Iterator[Path]:
        with locks.locked(folder / versions.LOCK, timeout):
            self._mend_aliases(folder)
            yield folder
