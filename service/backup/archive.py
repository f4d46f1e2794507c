"""A backup's file: a tar archive, whose last member has the digest of all others; knows not what they are."""

from __future__ import annotations

import hashlib
import io
import lzma
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import IO, BinaryIO, Final

from pydantic import TypeAdapter, ValidationError
from typing_extensions import TypedDict

CONTENTS: Final = "contents.json"
LARGEST: Final = 1 << 28
"""The maximum size of the last member, in bytes: a million files."""
CHUNK: Final = 1 << 20


class Contents(TypedDict):
    """The last member: the format of the data directory, when the backup began (UTC), and the SHA-256 of each file."""

    format: int
    began: str
    files: dict[str, str]


_SHAPE: Final = TypeAdapter(Contents)


class ArchiveError(Exception):
    """The archive is not a whole, undamaged backup; the message says what is wrong."""


class ArchiveWriter:
    """Writes the members to a file or a pipe. A name that is added again replaces what was added before."""

    def __init__(self, file: BinaryIO, format: int, began: str) -> None:
        self._tar = tarfile.open(fileobj=file, mode="w|", format=tarfile.PAX_FORMAT, bufsize=CHUNK)  # noqa: SIM115
        self._contents: Contents = {"format": format, "began": began, "files": {}}

    def __contains__(self, name: str) -> bool:
        return name in self._contents["files"]

    @property
    def count(self) -> int:
        """How many files have been added."""
        return len(self._contents["files"])

    def add(self, name: str, file: BinaryIO, size: int, modified: float) -> bool:
        """Add so many bytes of a file; returns whether all could be read. Those that could not are zeros."""
        whole = _Hashed(file)
        self._add(name, whole, size, modified)
        self._contents["files"][name] = whole.digest.hexdigest()
        return not whole.is_cut

    def add_bytes(self, name: str, data: bytes, modified: float) -> None:
        """Add a file with this content."""
        self.add(name, io.BytesIO(data), len(data), modified)

    def close(self) -> None:
        """Add the digests: without them the archive is not whole."""
        data = _SHAPE.dump_json(self._contents)
        self._add(CONTENTS, io.BytesIO(data), len(data), 0)
        self._tar.close()

    def _add(self, name: str, file: BinaryIO | _Hashed, size: int, modified: float) -> None:
        info = tarfile.TarInfo(name)
        info.size, info.mtime, info.mode = size, modified, 0o600
        self._tar.addfile(info, file)


class _Hashed:
    """Reads a file; what cannot be read is zeros, because the size has been written already."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.digest = hashlib.sha256()
        self.is_cut = False

    def read(self, size: int = -1) -> bytes:
        """So many bytes."""
        try:
            data = self._file.read(size)
        except OSError:
            data = b""
        if len(data) < size:
            self.is_cut = True
            data = data.ljust(size, b"\0")
        self.digest.update(data)
        return data


Member = tuple[str, float, Iterator[bytes]]
"""A name, the time of the last change, and the content."""


class ArchiveReader:
    """Reads an archive, compressed or not, from a file or a pipe: first `members` to their end, then `contents`."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._contents: Contents | None = None
        self._digests: dict[str, str] = {}

    def members(self) -> Iterator[Member]:
        """The members in order; of those with the same name the last one counts. The content must be read to its end.
        Raises ArchiveError, also for what is not a regular file, named by a relative path in the one usual way."""
        with _problems(), tarfile.open(fileobj=self._file, mode="r|*", bufsize=CHUNK) as tar:
            for info in tar:
                if self._contents is not None:
                    raise ArchiveError(f"it goes on after {CONTENTS}")
                if not info.isreg() or not _is_relative(info.name):
                    raise ArchiveError(f"{info.name[:200]!r} is not a regular file with a relative path")
                content = tar.extractfile(info)
                assert content is not None
                if info.name == CONTENTS:
                    self._contents = _contents(content.read(LARGEST))
                else:
                    yield info.name, float(info.mtime), self._hashed(info.name, content)

    def contents(self) -> Contents:
        """What the archive says of itself. Raises ArchiveError unless exactly those files were read, undamaged."""
        if self._contents is None:
            raise ArchiveError("its end is missing")
        if damaged := sorted(self._contents["files"].items() ^ self._digests.items()):
            raise ArchiveError(f"{damaged[0][0]} is missing or damaged")
        return self._contents

    def _hashed(self, name: str, content: IO[bytes]) -> Iterator[bytes]:
        digest = hashlib.sha256()
        with _problems():
            while data := content.read(CHUNK):
                digest.update(data)
                yield data
        self._digests[name] = digest.hexdigest()


def _is_relative(name: str) -> bool:
    """Whether it names something below a directory, in the one usual way. (`tarfile.data_filter` is not in Python
    3.11.2, which Debian 12 has.)"""
    path = PurePosixPath(name)
    usual = str(path) == name and path.parts != () and "\0" not in name
    return usual and not path.is_absolute() and ".." not in path.parts


def _contents(data: bytes) -> Contents:
    try:
        return _SHAPE.validate_json(data, strict=True)
    except ValidationError as error:
        raise ArchiveError(f"{CONTENTS} is damaged") from error


@contextmanager
def _problems() -> Iterator[None]:
    try:
        yield
    except (tarfile.TarError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise ArchiveError(f"it is no tar archive, or damaged or cut off: {error}") from error
