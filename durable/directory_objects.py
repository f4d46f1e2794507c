"""A store of objects in a folder: an object is a file, and its key the file's path there. Names that begin with a dot
are none of its objects: drafts, locks, what was set aside. A folder stays when its last object is deleted."""

from __future__ import annotations

import hashlib
import os
import shutil
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import BinaryIO, Final

from durable import files
from durable.drafts import Draft, draft
from durable.entries import drop, is_file, is_folder
from durable.locks import locked
from durable.objects import (
    Content,
    InvalidKeyError,
    ObjectChangedError,
    ObjectExistsError,
    ObjectInfo,
    ObjectMissingError,
    check_key,
    is_key,
)

LOCKS: Final = ".locks"
STRIPES: Final = 16
"""How many lock files there are; keys share them."""

PIECE: Final = 1 << 20
"""How many bytes of a file are in memory at a time."""

LARGE: Final = 1 << 20
"""In bytes: from this size on, a file is not read again for its e-tag while nothing says that it has changed. Smaller
ones may be replaced twice within the resolution of the file system's clock."""


class DirectoryObjects:
    """The store in the folder `root`, as `Objects` describes it. E-tags are the contents' MD5 hashes; those of large
    files are kept in memory until the files change."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._etags: dict[str, tuple[tuple[int, ...], str]] = {}

    def __str__(self) -> str:
        return str(self.root)

    def get(self, key: str) -> Content:
        with self._opened(key) as file:
            data = file.read()
        return Content(data, _etag(data))

    def look(self, key: str) -> ObjectInfo:
        with self._opened(key) as file:
            return self._info(key, file)

    def get_range(self, key: str, start: int, stop: int) -> bytes:
        with self._opened(key) as file:
            file.seek(start)
            return file.read(max(stop - start, 0))

    def fetch(self, key: str, path: Path) -> ObjectInfo:
        with self._opened(key) as file, draft(path.parent) as new:
            shutil.copyfileobj(file, new.file)
            new.put(path)
            return self._info(key, file)

    def put(self, key: str, data: bytes) -> str:
        path = self._place(key)
        with self._locked(key):
            files.put(path, data)
        return _etag(data)

    def put_new(self, key: str, data: bytes) -> str:
        if not files.put_new(self._place(key), data):
            raise ObjectExistsError(key)
        return _etag(data)

    def put_new_file(self, key: str, path: Path) -> str:
        place = self._place(key)
        with files.opened(path) as file, draft(place.parent) as new:
            shutil.copyfileobj(file, new.file)
            _name(new, key, place)
            return _etag_of(new.file)

    def swap(self, key: str, data: bytes, etag: str) -> str:
        with self._locked(key):
            try:
                found = self.get(key).etag
            except ObjectMissingError as error:
                raise ObjectChangedError(key) from error
            if found != etag:
                raise ObjectChangedError(key)
            files.put(self._path(key), data)
        return _etag(data)

    def list(self, prefix: str, after: str = "") -> Iterator[ObjectInfo]:
        for key in _keys(str(self.root), "", prefix, after):
            with suppress(ObjectMissingError):  # deleted meanwhile
                yield self.look(key)

    def delete(self, key: str) -> None:
        path = self._path(key)
        with self._locked(key):
            if is_file(path):
                drop(path)

    def _path(self, key: str) -> Path:
        check_key(key)
        return self.root / key

    def _place(self, key: str) -> Path:
        """Where the object is to be written, with the folders that it needs."""
        path = self._path(key)
        if is_folder(path):
            raise InvalidKeyError(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def _locked(self, key: str) -> AbstractContextManager[None]:
        folder = self.root / LOCKS
        folder.mkdir(parents=True, exist_ok=True)
        return locked(folder / str(zlib.crc32(key.encode()) % STRIPES))

    def _opened(self, key: str) -> BinaryIO:
        path = self._path(key)
        try:
            return files.opened(path)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
            raise ObjectMissingError(key) from error

    def _info(self, key: str, file: BinaryIO) -> ObjectInfo:
        stat = os.fstat(file.fileno())
        if stat.st_size < LARGE:
            return ObjectInfo(key, _etag_of(file), stat.st_size)
        signature = (stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino, stat.st_size)
        seen = self._etags.get(key)
        if seen is None or seen[0] != signature:
            seen = self._etags[key] = (signature, _etag_of(file))
        return ObjectInfo(key, seen[1], stat.st_size)


def _name(new: Draft, key: str, place: Path) -> None:
    try:
        new.put_new(place)
    except FileExistsError as error:
        raise ObjectExistsError(key) from error


def _etag(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def _etag_of(file: BinaryIO) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    file.seek(0)
    while piece := file.read(PIECE):
        digest.update(piece)
    return digest.hexdigest()


def _keys(root: str, folder: str, prefix: str, after: str) -> Iterator[str]:
    """The keys of the files in `folder`, which is empty or ends with a slash, in order. A folder's own place in the
    order is that of its name with the slash, which all its keys begin with."""
    for name in _names(Path(root, folder)):
        key = folder + name
        if not name.endswith("/"):
            if key.startswith(prefix) and key > after:
                yield key
        elif (key.startswith(prefix) or prefix.startswith(key)) and (key > after or after.startswith(key)):
            yield from _keys(root, key, prefix, after)


def _names(folder: Path) -> list[str]:
    with suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder) as entries:
        shown = [entry for entry in entries if is_key(entry.name)]
        return sorted(
            f"{entry.name}/" if entry.is_dir(follow_symlinks=False) else entry.name
            for entry in shown
            if entry.is_dir(follow_symlinks=False) or is_file(Path(entry))
        )
    return []
