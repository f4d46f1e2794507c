"""The store of corpora, each stored once, under the digest of its content; knows no HTTP and no jobs."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import BinaryIO, Final

from charrnn.wording import count
from durable import files, locks
from durable.drafts import draft_folder, put_new_folder, withdraw
from durable.entries import drop, is_there
from durable.listing import FilesCache
from durable.reading import DamagedFileError
from service.training.corpora.conversion import AS_FOUND, Conversion, convert
from service.training.corpora.corpus import (
    CHANGED,
    CHARACTERS,
    CORPUS_FILE,
    TEXT,
    Corpus,
    check_name,
    corpus_of,
    has_digest,
    read_corpus,
)
from service.training.corpora.order import CorpusOrder, Place, is_id
from service.training.errors import (
    CorpusDamagedError,
    CorpusInUseError,
    CorpusNotFoundError,
    IncompleteUploadError,
    TooLargeError,
)

CorpusIds = list[str]

LOCK: Final = ".lock"

log = logging.getLogger(__name__)


class CorpusStore:
    """The corpora under `root`, one folder each, which is created atomically.

    `max_bytes` bounds an upload; `in_use` names the jobs that still need a corpus. Any number of processes may use it.
    """

    patience: float | None = None
    """How many seconds a change waits for one that another process makes; None: until that is over. Beyond them it
    raises HeldError, and nothing is changed."""

    def __init__(
        self, root: Path, max_bytes: int = 1 << 30, in_use: Callable[[str], Sequence[str]] = lambda _: ()
    ) -> None:
        self.root = root
        self.max_bytes = max_bytes
        self._in_use = in_use
        self._order = CorpusOrder(root)
        self._faults = FilesCache(self._fault)

    def add(
        self,
        chunks: Iterable[bytes],
        name: str = "",
        size: int | None = None,
        conversion: Conversion = AS_FOUND,
        check: Callable[[Corpus, Path], object] = lambda _corpus, _path: None,
    ) -> tuple[Corpus, bool]:
        """Store an upload, of `size` bytes if announced, as a corpus; also returns whether it is new.

        The same text is the same corpus: the result then has the existing corpus's name and time, and says how this
        upload was read. `check` is called with the corpus and its text before it becomes visible. After any error,
        including those of `chunks` and `check`, nothing is left behind. Raises TooLargeError, IncompleteUploadError,
        EmptyCorpusError, BinaryCorpusError, UnknownEncodingError, EncodingError, CorpusError for a bad name.
        """
        check_name(name)
        if size is not None and size > self.max_bytes:
            raise TooLargeError(self.max_bytes)
        with draft_folder(self.root) as folder:
            with (folder / TEXT).open("x+b") as file:
                self._receive(chunks, file, size)
                converted = convert(file, folder / TEXT, conversion)
            corpus = corpus_of(converted, conversion.newlines, name)
            check(corpus, folder / TEXT)
            files.put(folder / CHARACTERS, converted.summary.vocabulary.encode())
            files.put(folder / CORPUS_FILE, json.dumps(asdict(corpus)).encode())
            return self._place(folder, corpus)

    def get(self, corpus: str) -> Corpus:
        """The corpus of this id. Raises CorpusNotFoundError, CorpusDamagedError."""
        folder = self._existing(corpus)
        try:
            return self._read(folder)
        except DamagedFileError as error:
            self._existing(corpus)  # a corpus deleted while being read is missing, not damaged
            raise CorpusDamagedError(corpus, str(error)) from error

    def list(self) -> list[Corpus]:
        """All corpora that can be used, the oldest first."""
        corpora = []
        for corpus in self.ids():
            with suppress(CorpusNotFoundError, CorpusDamagedError):
                corpora.append(self.get(corpus))
        return corpora

    def damaged(self) -> dict[str, str]:
        """What is wrong with each damaged corpus, by its id."""
        found = {}
        for corpus in self.ids():
            if fault := self.fault(corpus):
                found[corpus] = fault
        return found

    def fault(self, corpus: str) -> str:
        """What is wrong with the corpus; empty when nothing is, or when there is no such corpus."""
        return self._faults.of(self.root / corpus)

    def ids(self) -> CorpusIds:
        """The ids of all corpora, damaged or not, the oldest first."""
        return [corpus for _, corpus in self._order.oldest_first()]

    def places(self) -> Sequence[Place]:
        """The places of all corpora, damaged or not, in the order of their ids."""
        return self._order.oldest_first()

    def place(self, corpus: str) -> Place:
        """The place of this corpus, even if it was deleted during the last day. Raises LookupError."""
        return self._order.place(corpus)

    def folder(self, corpus: Corpus) -> Path:
        """The folder of the corpus, for files derived from it. Raises CorpusNotFoundError."""
        return self._existing(corpus.id)

    def path(self, corpus: Corpus) -> Path:
        """The file of the corpus's text, UTF-8. Raises CorpusNotFoundError."""
        return self.folder(corpus) / TEXT

    def verified(self, corpus: Corpus, check: Callable[[], None] = lambda: None) -> Path:
        """The same file, which was read to find that it has the text that was uploaded; meanwhile `check` is called
        several times a second. Raises CorpusNotFoundError, CorpusDamagedError."""
        path = self.path(corpus)
        if not has_digest(corpus, path, check):
            raise CorpusDamagedError(corpus.id, CHANGED)
        return path

    def characters(self, corpus: Corpus) -> str:
        """The distinct characters of the text, ascending. Raises CorpusNotFoundError."""
        return files.read(self.folder(corpus) / CHARACTERS).decode()

    def delete(self, corpus: str) -> None:
        """Delete a corpus, damaged or not. Raises CorpusNotFoundError, CorpusInUseError while a job needs it."""
        self._existing(corpus)
        with locks.locked(self.root / LOCK, self.patience):
            folder = self._existing(corpus)
            jobs = self._in_use(corpus)
            if jobs:
                raise CorpusInUseError(corpus, jobs)
            self._order.remember(corpus)
            gone = withdraw(folder)
        drop(gone)

    def confirm(self, corpus: str) -> None:
        """To be called once a job that needs the corpus is in the store of jobs. Raises CorpusNotFoundError if the
        corpus was deleted meanwhile."""
        self._existing(corpus)

    def _existing(self, corpus: str) -> Path:
        """The folder of the corpus, damaged or not. Raises CorpusNotFoundError."""
        folder = self.root / corpus
        if not is_id(corpus) or not is_there(folder):
            raise not_found(corpus)
        return folder

    def _read(self, folder: Path) -> Corpus:
        """The corpus in the folder. Raises DamagedFileError."""
        return read_corpus(folder)

    def _fault(self, folder: Path) -> str:
        try:
            self._read(folder)
        except DamagedFileError as error:
            return str(error) if is_there(folder) else ""  # one that was deleted is not damaged
        return ""

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
        with locks.locked(self.root / LOCK, self.patience):
            try:
                known = self.get(corpus.id)
                return replace(corpus, name=known.name, created=known.created), False
            except CorpusDamagedError as error:
                log.warning("%s is repaired: the same text was uploaded again", error)
                gone = withdraw(self.root / corpus.id)
            except CorpusNotFoundError:
                pass
            put_new_folder(folder, self.root / corpus.id)
        if gone is not None:
            drop(gone)
        return corpus, True


def not_found(corpus: str) -> CorpusNotFoundError:
    """What is raised for an id that no corpus has."""
    return CorpusNotFoundError(f"there is no corpus {corpus[:70]!r}")
