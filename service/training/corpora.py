"""The texts to train on, each stored once under what its content is; knows no HTTP and no jobs."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import BinaryIO, Final

from pydantic import TypeAdapter

from charrnn.wording import count
from durable import files, locks
from durable.clock import now
from durable.drafts import draft_folder, place, unname
from durable.names import drop, is_there
from durable.reading import DamagedFileError, fault_of, read_bytes, read_json
from service.training.conversion import AS_FOUND, Conversion, Converted, convert
from service.training.decoding import LineEnds, Newlines
from service.training.errors import (
    CorpusDamagedError,
    CorpusError,
    CorpusInUseError,
    CorpusNotFoundError,
    IncompleteUploadError,
    TooLargeError,
)

TEXT: Final = "text.txt"
CHARACTERS: Final = "characters.txt"
RECORD: Final = "corpus.json"
MAX_NAME: Final = 200

Ids = list[str]

_ID: Final = re.compile(r"[0-9a-f]{16}")
_LOCK: Final = ".lock"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Corpus:
    """A stored text: `sha256` and `bytes` are of its UTF-8 form, without byte order marks; `id` is the beginning of the
    digest; `created` UTC ISO 8601. `encoding` and `line_ends` are what was uploaded; `newlines` says whether line ends
    are all LF now. `preview` has the first lines with characters beyond ASCII, or the first lines of an ASCII text."""

    id: str
    name: str
    sha256: str
    bytes: int
    characters: int
    lines: int
    vocabulary_size: int
    created: str
    encoding: str
    newlines: Newlines = "keep"
    line_ends: LineEnds = "unknown"
    preview: tuple[str, ...] = ()


_SHAPE: Final = TypeAdapter(Corpus)


class CorpusStore:
    """The corpora under `root`, one folder each, which appears whole or not at all.

    `max_bytes` bounds an upload; `in_use` names the jobs that still need a corpus. Any number of processes may use it.
    """

    def __init__(
        self, root: Path, max_bytes: int = 1 << 30, in_use: Callable[[str], Sequence[str]] = lambda _: ()
    ) -> None:
        self.root = root
        self.max_bytes = max_bytes
        self._in_use = in_use

    def add(
        self,
        chunks: Iterable[bytes],
        name: str = "",
        size: int | None = None,
        conversion: Conversion = AS_FOUND,
        check: Callable[[Corpus], object] = lambda _: None,
    ) -> tuple[Corpus, bool]:
        """Store an upload, `size` bytes long when that was announced, as a corpus; returns whether it is a new one.

        The same text again is the same corpus: what is returned has the older one's name and time, and says how this
        upload was read. `check` is called before anything can be seen. Whatever goes wrong, an error of `chunks` or
        `check` included, nothing is left behind. Raises TooLargeError, IncompleteUploadError, EmptyCorpusError,
        BinaryCorpusError, UnknownEncodingError, EncodingError, CorpusError for a bad name.
        """
        _check_name(name)
        if size is not None and size > self.max_bytes:
            raise TooLargeError(self.max_bytes)
        with draft_folder(self.root) as folder:
            with (folder / TEXT).open("x+b") as file:
                self._receive(chunks, file, size)
                converted = convert(file, folder / TEXT, conversion)
            corpus = _described(converted, conversion.newlines, name)
            check(corpus)
            files.put(folder / CHARACTERS, converted.summary.vocabulary.encode())
            files.put(folder / RECORD, json.dumps(asdict(corpus)).encode())
            return self._place(folder, corpus)

    def get(self, corpus: str) -> Corpus:
        """The corpus of this id. Raises CorpusNotFoundError, CorpusDamagedError."""
        folder = self._existing(corpus)
        try:
            return sound(folder)
        except DamagedFileError as error:
            self._existing(corpus)  # one deleted while it was read is missing, not damaged
            raise CorpusDamagedError(corpus, str(error)) from error

    def list(self) -> list[Corpus]:
        """All corpora that can be used, the oldest first."""
        corpora = []
        for name in self.ids():
            with suppress(CorpusNotFoundError, CorpusDamagedError):
                corpora.append(self.get(name))
        return sorted(corpora, key=lambda corpus: (corpus.created, corpus.id))

    def damaged(self) -> dict[str, str]:
        """What is wrong with each of the others, by their ids."""
        found = {}
        for name in self.ids():
            try:
                self.get(name)
            except CorpusDamagedError as error:
                found[name] = error.reason
            except CorpusNotFoundError:
                continue
        return found

    def ids(self) -> Ids:
        """The ids of all corpora, whatever state they are in, ascending."""
        return sorted(path.name for path in self.root.glob("*") if _ID.fullmatch(path.name))

    def folder(self, corpus: Corpus) -> Path:
        """The folder of the corpus, for what is computed from it. Raises CorpusNotFoundError."""
        return self._existing(corpus.id)

    def path(self, corpus: Corpus) -> Path:
        """The file of the corpus's text, UTF-8. Raises CorpusNotFoundError."""
        return self.folder(corpus) / TEXT

    def characters(self, corpus: Corpus) -> str:
        """The distinct characters of the text, ascending. Raises CorpusNotFoundError."""
        with (self.folder(corpus) / CHARACTERS).open(encoding="utf-8", newline="") as file:
            return file.read()

    def delete(self, corpus: str) -> None:
        """Delete a corpus, damaged or not. Raises CorpusNotFoundError, CorpusInUseError while a job needs it."""
        self._existing(corpus)
        with locks.locked(self.root / _LOCK):
            folder = self._existing(corpus)
            jobs = self._in_use(corpus)
            if jobs:
                raise CorpusInUseError(corpus, jobs)
            gone = unname(folder)
        drop(gone)

    def _existing(self, corpus: str) -> Path:
        """Where the corpus is, in whatever state. Raises CorpusNotFoundError."""
        folder = self.root / corpus
        if _ID.fullmatch(corpus) is None or not is_there(folder):
            raise CorpusNotFoundError(f"there is no corpus {corpus[:70]!r}")
        return folder

    def _receive(self, chunks: Iterable[bytes], file: BinaryIO, size: int | None) -> None:
        received = 0
        for chunk in chunks:
            received += len(chunk)
            if received > self.max_bytes:
                raise TooLargeError(self.max_bytes)
            file.write(chunk)
        if size is not None and received != size:
            raise IncompleteUploadError(f"the upload was interrupted after {received} of {count(size, 'byte')}")

    def _place(self, folder: Path, corpus: Corpus) -> tuple[Corpus, bool]:
        gone: Path | None = None
        with locks.locked(self.root / _LOCK):
            try:
                known = self.get(corpus.id)
                return replace(corpus, name=known.name, created=known.created), False
            except CorpusDamagedError as error:
                log.warning("%s is whole again: the same text was uploaded", error)
                gone = unname(self.root / corpus.id)
            except CorpusNotFoundError:
                pass
            place(folder, self.root / corpus.id)
        if gone is not None:
            drop(gone)
        return corpus, True


def sound(folder: Path) -> Corpus:
    """What the folder of a corpus says of it, held against what else is in it. Raises DamagedFileError."""
    if not folder.is_dir():
        raise DamagedFileError("it is no folder")
    try:
        corpus = read_json(folder / RECORD, _SHAPE)
        characters = read_bytes(folder / CHARACTERS).decode()
        size = (folder / TEXT).stat().st_size
    except OSError as error:
        fault = "is missing" if isinstance(error, FileNotFoundError) else fault_of(error)
        raise DamagedFileError(f"{Path(error.filename).name} {fault}") from error
    except UnicodeDecodeError as error:
        raise DamagedFileError(f"{CHARACTERS} is not UTF-8") from error
    if corpus.id != folder.name:
        raise DamagedFileError(f"{RECORD} is that of another corpus, {corpus.id[:70]!r}")
    if len(characters) != corpus.vocabulary_size or list(characters) != sorted(set(characters)):
        raise DamagedFileError(f"{CHARACTERS} does not have the {corpus.vocabulary_size} characters, ascending")
    if size != corpus.bytes or not (folder / TEXT).is_file():
        raise DamagedFileError(f"{TEXT} has {size} of {corpus.bytes} bytes")
    return corpus


def name_of(file_name: str) -> str:
    """What a corpus made of this file is called: white space is a space, what cannot be shown is left out, and a long
    name is cut."""
    shown = "".join(" " if c.isspace() else c if c.isprintable() else "" for c in file_name)
    return " ".join(shown.split())[:MAX_NAME].strip()


def _check_name(name: str) -> None:
    if len(name) > MAX_NAME or not name.isprintable():
        raise CorpusError(f"name must be at most {MAX_NAME} printable characters, not {name[:60]!r} ({len(name)})")


def _described(converted: Converted, newlines: Newlines, name: str) -> Corpus:
    summary = converted.summary
    identity = summary.sha256[:16]
    return Corpus(
        id=identity,
        name=name or f"corpus-{identity[:8]}",
        sha256=summary.sha256,
        bytes=summary.size,
        characters=summary.characters,
        lines=summary.lines,
        vocabulary_size=len(summary.vocabulary),
        created=now(),
        encoding=converted.encoding,
        newlines=newlines,
        line_ends=converted.line_ends,
        preview=converted.preview,
    )
