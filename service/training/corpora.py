"""The texts to train on, each stored once under what its content is; knows no HTTP and no jobs."""

from __future__ import annotations

import fcntl
import json
import re
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO, Final

from charrnn.wording import count
from model_store import files
from model_store.aliases import now
from service.training.conversion import convert
from service.training.decoding import Census
from service.training.errors import (
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

_ID: Final = re.compile(r"[0-9a-f]{16}")
_DRAFT: Final = ".new-"
_LOCK: Final = ".lock"
_HELD: Final = ".held"


@dataclass(frozen=True, slots=True)
class Corpus:
    """A stored text: `sha256` and `bytes` are of its UTF-8 form, without a byte order mark; `id` is the beginning of
    the digest; `encoding` is what was uploaded; `created` UTC ISO 8601."""

    id: str
    name: str
    sha256: str
    bytes: int
    characters: int
    lines: int
    vocabulary_size: int
    created: str
    encoding: str


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

    def add(self, chunks: Iterable[bytes], name: str = "", size: int | None = None) -> tuple[Corpus, bool]:
        """Store an upload, `size` bytes long when that was announced, as a corpus; returns whether it is a new one.

        Whatever goes wrong, an error of `chunks` included, nothing is left behind. Raises TooLargeError,
        IncompleteUploadError, EmptyCorpusError, BinaryCorpusError, EncodingError, CorpusError for a bad name.
        """
        _check_name(name)
        if size is not None and size > self.max_bytes:
            raise TooLargeError(self.max_bytes)
        with self._draft() as folder:
            with (folder / TEXT).open("x+b") as file:
                self._receive(chunks, file, size)
                census, encoding = convert(file, folder / TEXT)
            corpus = _described(census, encoding, name)
            (folder / CHARACTERS).write_text(census.vocabulary, encoding="utf-8", newline="")
            files.replace(folder / RECORD, json.dumps(asdict(corpus)).encode())
            return self._place(folder, corpus)

    def get(self, corpus: str) -> Corpus:
        """The corpus of this id. Raises CorpusNotFoundError."""
        try:
            return Corpus(**json.loads((self._folder(corpus) / RECORD).read_bytes()))
        except FileNotFoundError:
            raise CorpusNotFoundError(f"there is no corpus {corpus[:70]!r}") from None

    def list(self) -> list[Corpus]:
        """All corpora, the oldest first."""
        names = (path.name for path in self.root.glob("*") if _ID.fullmatch(path.name))
        corpora = []
        for name in names:
            with suppress(CorpusNotFoundError):
                corpora.append(self.get(name))
        return sorted(corpora, key=lambda corpus: (corpus.created, corpus.id))

    def path(self, corpus: str) -> Path:
        """The file of the corpus's text, UTF-8. Raises CorpusNotFoundError."""
        return self._folder(self.get(corpus).id) / TEXT

    def folder(self, corpus: str) -> Path:
        """The folder of the corpus, for what is computed from it. Raises CorpusNotFoundError."""
        return self.path(corpus).parent

    def characters(self, corpus: str) -> str:
        """The distinct characters of the text, ascending. Raises CorpusNotFoundError."""
        with (self.folder(corpus) / CHARACTERS).open(encoding="utf-8", newline="") as file:
            return file.read()

    def delete(self, corpus: str) -> None:
        """Delete a corpus. Raises CorpusNotFoundError, CorpusInUseError while a job needs it."""
        self.get(corpus)
        with files.locked(self.root / _LOCK):
            folder = self.folder(corpus)
            jobs = self._in_use(corpus)
            if jobs:
                raise CorpusInUseError(corpus, jobs)
            gone = self.root / f"{_DRAFT}{secrets.token_hex(8)}"
            folder.rename(gone)
        shutil.rmtree(gone)

    def _folder(self, corpus: str) -> Path:
        if _ID.fullmatch(corpus) is None:
            raise CorpusNotFoundError(f"there is no corpus {corpus[:70]!r}")
        return self.root / corpus

    def _receive(self, chunks: Iterable[bytes], file: BinaryIO, size: int | None) -> None:
        received = 0
        for chunk in chunks:
            received += len(chunk)
            if received > self.max_bytes:
                raise TooLargeError(self.max_bytes)
            file.write(chunk)
        if size is not None and received != size:
            raise IncompleteUploadError(f"the upload broke off after {received} of {count(size, 'byte')}")

    def _place(self, folder: Path, corpus: Corpus) -> tuple[Corpus, bool]:
        files.sync_folder(folder)
        with files.locked(self.root / _LOCK):
            with suppress(CorpusNotFoundError):
                return self.get(corpus.id), False
            (folder / _HELD).unlink()
            folder.rename(self._folder(corpus.id))
        files.sync_folder(self.root)
        return corpus, True

    @contextmanager
    def _draft(self) -> Iterator[Path]:
        """A new folder, with a file in it whose lock tells the living from the dead; gone at the end."""
        self.root.mkdir(parents=True, exist_ok=True)
        folder = self.root / f"{_DRAFT}{secrets.token_hex(8)}"
        with files.locked(self.root / _LOCK):
            self._remove_dead_drafts()
            folder.mkdir()
            held = (folder / _HELD).open("xb")
            fcntl.flock(held, fcntl.LOCK_EX)
        try:
            with held:
                yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _remove_dead_drafts(self) -> None:
        for folder in self.root.glob(f"{_DRAFT}*"):
            if not _is_held(folder / _HELD):
                shutil.rmtree(folder, ignore_errors=True)


def _is_held(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def _check_name(name: str) -> None:
    if len(name) > MAX_NAME or not name.isprintable():
        raise CorpusError(f"name must be at most {MAX_NAME} printable characters, not {name[:60]!r} ({len(name)})")


def _described(census: Census, encoding: str, name: str) -> Corpus:
    identity = census.sha256[:16]
    return Corpus(
        id=identity,
        name=name or f"corpus-{identity[:8]}",
        sha256=census.sha256,
        bytes=census.size,
        characters=census.characters,
        lines=census.lines,
        vocabulary_size=len(census.vocabulary),
        created=now(),
        encoding=encoding,
    )
