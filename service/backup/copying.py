"""Copies a data directory that is in use into an archive: without a lock, so that nothing waits, and without writing to
its disk, which may be full.

What is referred to is copied as well: the version to which an alias points, the corpus that a job needs, the version
that it has published. What was finished before the copy began is in it; what changes meanwhile is, or is not.
"""

from __future__ import annotations

import io
import os
import time
from collections import defaultdict
from collections.abc import Callable, Collection
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple, TypeVar

from durable import files
from durable.entries import is_folder, is_there
from durable.reading import DamagedFileError, fault_of
from model_store import versions
from model_store.aliases import FILE as ALIASES
from model_store.aliases import held_in
from model_store.names import is_name
from service.backup.archive import ArchiveWriter
from service.data_dir import DataDir
from service.keys.key_file import MADE
from service.training.corpora.corpus import CHARACTERS, CORPUS_FILE, TEXT
from service.training.corpora.order import is_id
from service.training.jobs import job_files, resume_points, run_files
from service.training.jobs.store import JobStore

T = TypeVar("T")

ATTEMPTS: Final = 1000
PAUSE_SECONDS: Final = 0.01

NOT_COPIED: Final = (".", run_files.LOCK)
"""How the names of a job's files begin that are of no use to another process: drafts, and what was set aside; locks."""


class ChangingError(Exception):
    """A folder has changed so often that no state of it could be copied; the message names it."""


class _Opened(NamedTuple):
    """A file in the state in which it was opened."""

    file: BinaryIO
    size: int
    modified: float


def copy(data: DataDir, archive: ArchiveWriter) -> list[str]:
    """Copy everything that cannot be made again: versions with their aliases, corpora, jobs, keys. Returns a sentence
    for each file that could not be read. Raises OSError when the archive cannot be written, ChangingError."""
    copier = _Copier(data, archive)
    copier.models()
    copier.jobs()
    copier.corpora()
    copier.keys()
    return [f"{name} {fault}" for name, fault in copier.unread.items()]


class _Copier:
    def __init__(self, data: DataDir, archive: ArchiveWriter) -> None:
        self._data = data
        self._archive = archive
        self.unread: dict[str, str] = {}
        self._unfinished: defaultdict[str, list[Path]] = defaultdict(list)
        """The jobs that had not ended when they were copied, by model."""

    def models(self) -> None:
        for name in filter(is_name, _names(self._data.models)):
            self._model(name)

    def jobs(self) -> None:
        for job in JobStore(self._data.runs).ids():
            self._job(self._data.runs / job)

    def corpora(self) -> None:
        for corpus in filter(is_id, _names(self._data.corpora)):
            self._corpus(corpus)

    def keys(self) -> None:
        """The markers come first: with them alone no one is let in, and keys without them get new ones."""
        for path in (self._data.root / MADE, self._data.models / MADE, *self._data.secrets):
            with ExitStack() as stack:
                if opened := self._open(path, stack, follow=True):
                    self._archive.add(self._name(path), *opened)

    def _model(self, name: str) -> None:
        """The aliases come last, once the versions are copied to which they point."""
        folder = self._data.models / name
        self._versions(folder)
        for _ in range(ATTEMPTS):
            with ExitStack() as stack:
                if (opened := self._open(folder / ALIASES, stack)) is None:
                    return
                data = opened.file.read()
            missing = [version for version in _held(data) if not self._has(folder, version)]
            for version in missing:
                self._versions(folder, f"{version}.")
            if all(self._has(folder, version) for version in missing) or data == _content(folder / ALIASES):
                self._archive.add_bytes(self._name(folder / ALIASES), data, opened.modified)
                return
        raise ChangingError(f"models/{name} changes all the time; try again")

    def _has(self, folder: Path, version: int) -> bool:
        return self._name(folder / f"{version}{versions.SUFFIX}") in self._archive

    def _versions(self, folder: Path, prefix: str = "") -> None:
        """Copy what is new of the files that begin like this. Of a deleted version the number is kept."""
        for path in (folder / name for name in _names(folder) if name.startswith(prefix) and name != ALIASES):
            if path.name.startswith(".") or self._name(path) in self._archive:
                continue
            with ExitStack() as stack:
                if path.suffix != versions.DELETED and (opened := self._open(path, stack)):
                    self._add(path, opened)
                elif path.suffix == versions.DELETED or not is_there(path):
                    self._archive.add_bytes(self._name(path.with_suffix(versions.DELETED)), b"", time.time())

    def _corpus(self, corpus: str) -> None:
        folder = self._data.corpora / corpus
        if self._name(folder / CORPUS_FILE) not in self._archive:
            with ExitStack() as stack:
                names = (TEXT, CHARACTERS, CORPUS_FILE)
                for path, opened in _unchanged(folder, lambda: self._open_all(folder, names, stack)).items():
                    self._add(path, opened)

    def _job(self, folder: Path) -> None:
        """The files are read first, and written after what they refer to.

        Versions that are copied late may be those of jobs that were copied before they had published. These are copied
        once more: from a backup in which a job has published, but does not know it, it would publish again.
        """
        again: list[Path] = []
        with ExitStack() as stack:
            found, state = _unchanged(folder, lambda: (self._read_job(folder, stack), job_files.read_state(folder)))
            with suppress(DamagedFileError):
                request, _ = job_files.read_request(folder)
                self._corpus(request.corpus)
                if state.version is not None and not self._has(self._data.models / request.model, state.version):
                    self._model(request.model)
                    again = self._unfinished.pop(request.model, [])
                if not state.is_final:
                    self._unfinished[request.model].append(folder)
            for path, opened in found.items():
                self._add(path, opened)
        for each in again:
            self._job(each)

    def _read_job(self, folder: Path, stack: ExitStack) -> dict[Path, _Opened]:
        """All but the resume points, which never change, is read at once: files that grow may be shortened."""
        found = self._open_all(folder, [name for name in _names(folder) if not name.startswith(NOT_COPIED)], stack)
        for path, opened in found.items():
            if not resume_points.is_name(path.name):
                found[path] = opened._replace(file=io.BytesIO(opened.file.read(opened.size)))
        return found

    def _open_all(self, folder: Path, names: list[str] | tuple[str, ...], stack: ExitStack) -> dict[Path, _Opened]:
        stack.close()  # those of an earlier attempt
        found = {folder / name: self._open(folder / name, stack) for name in names}
        return {path: opened for path, opened in found.items() if opened is not None}

    def _open(self, path: Path, stack: ExitStack, *, follow: bool = False) -> _Opened | None:
        try:
            file = stack.enter_context(files.opened(Path(os.path.realpath(path)) if follow else path))
        except OSError as error:
            if is_there(path):
                self.unread[self._name(path)] = fault_of(error)
            return None
        stat = os.fstat(file.fileno())
        return _Opened(file, stat.st_size, stat.st_mtime)

    def _add(self, path: Path, opened: _Opened) -> None:
        if not self._archive.add(self._name(path), *opened):
            self.unread[self._name(path)] = "could not be read to its end"

    def _name(self, path: Path) -> str:
        return path.relative_to(self._data.root).as_posix()


def _held(aliases: bytes) -> Collection[int]:
    """The versions to which the aliases in a file's content point; none if it is damaged, which is found later."""
    with suppress(ValueError):
        return held_in(aliases).values()
    return ()


def _content(path: Path) -> bytes:
    with suppress(OSError):
        return files.read(path)
    return b""


def _unchanged(folder: Path, read: Callable[[], T]) -> T:
    """What `read` returns, of a state of the folder in which nothing has changed meanwhile. Raises ChangingError."""
    for _ in range(ATTEMPTS):
        before = _state(folder)
        found = read()
        if _state(folder) == before:
            return found
        time.sleep(PAUSE_SECONDS)
    raise ChangingError(f"{folder.parent.name}/{folder.name} changes all the time; try again")


def _state(folder: Path) -> list[tuple[str, int, int, int]]:
    """What changes when any of the files does, drafts excepted."""
    found = []
    for name in _names(folder):
        if not name.startswith("."):
            with suppress(FileNotFoundError):
                stat = (folder / name).lstat()
                found.append((name, stat.st_ino, stat.st_size, stat.st_mtime_ns))
    return found


def _names(folder: Path) -> list[str]:
    """The names in a folder, in order; none if there is no such folder, or a link in its place."""
    if not is_folder(folder):
        return []
    try:
        return sorted(os.listdir(folder))  # noqa: PTH208 (no paths wanted)
    except OSError:
        return []
