"""The store of corpora of several machines, which share an object store; knows no jobs.

The object store has every corpus. The folder of each machine mirrors their small files, so that reading asks the store
nothing; a text is fetched when it is needed, and what is derived from it is made on each machine.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

from durable import files, locks
from durable.drafts import withdraw
from durable.entries import drop
from durable.objects import ObjectInfo, Objects, StoreUnavailableError
from durable.reading import DamagedFileError
from service.training.corpora.corpus import CHANGED, CHARACTERS, TEXT, Corpus, has_digest, read_corpus, read_description
from service.training.corpora.following import HeadsFollower
from service.training.corpora.heads import LOST, PREFIX, CorpusHeads, Head, head_key, text_key
from service.training.corpora.leftovers import ABANDONED_SECONDS, Leftovers
from service.training.corpora.mirror import CorpusMirror, Note, has_text
from service.training.corpora.order import is_id
from service.training.corpora.room import Room
from service.training.corpora.store import LOCK, CorpusStore, not_found
from service.training.corpora.texts import Texts
from service.training.errors import CorpusDamagedError, CorpusInUseError, CorpusNotFoundError

MAX_CACHED_BYTES: Final = 8 << 30

log = logging.getLogger(__name__)


class SharedCorpusStore(CorpusStore):
    """The corpora in `objects`, mirrored in the folder `root` of this machine, whose processes share it.

    An upload is acknowledged once the store has all of it, and is visible to this machine's processes then, to others
    once they `refresh`, or look for it by its id. `in_use` must look at the jobs in the store, not in a mirror. The
    texts here, with what is derived from them, have up to `max_cached_bytes`, but for those that jobs need; what
    belongs to no corpus for `abandoned_seconds` is deleted from the store. `announce` is called after each change.

    While the store is away, what writes raises StoreUnavailableError, and so does what asks for a text or a corpus that
    is not here: whether there is one is not known then.
    """

    def __init__(
        self,
        root: Path,
        objects: Objects,
        max_bytes: int = 1 << 30,
        in_use: Callable[[str], Sequence[str]] = lambda _: (),
        *,
        max_cached_bytes: int = MAX_CACHED_BYTES,
        abandoned_seconds: float = ABANDONED_SECONDS,
        announce: Callable[[], object] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(root, max_bytes, in_use)
        self._objects = objects
        self._heads = CorpusHeads(objects)
        self._mirror = CorpusMirror(root, self._order)
        lock, leftovers = root / LOCK, Leftovers(self._heads, abandoned_seconds, clock)
        self._follower = HeadsFollower(root, lock, self._heads, self._mirror, leftovers)
        self._room = Room(self._mirror, root, lock, max_cached_bytes, in_use)
        self._texts = Texts(objects, self._mirror, self._follower, self._room, lock)
        self._announce = announce

    def refresh(self, listed: Iterable[ObjectInfo] | None = None) -> bool:
        """Make the mirror what the store is, and collect what was left behind there; returns whether any corpus has
        changed. `listed`: the store's objects, those under PREFIX at least, if they are known. Raises OSError."""
        return self._follower.all(self._objects.list(PREFIX) if listed is None else listed)

    def delete(self, corpus: str) -> None:
        """Delete a corpus, damaged or not, on all machines. Raises CorpusNotFoundError, CorpusInUseError while a job
        needs it: a job that was created anywhere, and whose corpus was then confirmed, keeps it from being deleted."""
        self._existing(corpus)
        while True:
            head = self._heads.read(corpus)
            if head is None:
                self._delete_here(corpus)
                return
            if head.is_deleted:
                self._follower.one(corpus)
                raise not_found(corpus)
            objects = self._heads.objects_of(corpus)
            if jobs := self._in_use(corpus):
                raise CorpusInUseError(corpus, jobs)
            with suppress(*LOST):
                self._heads.delete(head)
                break
        self._changed(corpus)
        with suppress(StoreUnavailableError):  # what stays is collected later
            self._heads.drop(key for key in objects if key != head_key(corpus))

    def confirm(self, corpus: str) -> None:
        """Raises CorpusNotFoundError if the corpus was deleted before the caller's job was in the store. If it was not,
        a deletion that began before fails, and looks at the jobs again."""
        if not is_id(corpus):
            raise not_found(corpus)
        for _ in range(2):
            try:
                head = self._heads.read(corpus)
                if head is None:
                    super().confirm(corpus)
                    return
                if head.is_deleted:
                    self._follower.one(corpus)
                    raise not_found(corpus)
                if not head.fault:
                    self._heads.touch(corpus, head)
                return
            except LOST:
                continue  # changed by another one: by a deletion, or in time to stop any
            except StoreUnavailableError as error:
                log.warning("a job was created, and a deletion of its corpus %s would not know it: %s", corpus, error)
                return

    def fault(self, corpus: str) -> str:
        """What is wrong with the corpus here, or was seen to be in the store; empty when nothing is, or when there is
        none. Does not ask the store."""
        if fault := super().fault(corpus):
            return fault
        note = self._mirror.note(corpus)
        with suppress(DamagedFileError):
            return note.text_fault(self._read(self.root / corpus)) if note else ""
        return ""

    def folder(self, corpus: Corpus) -> Path:
        """As in any store; the corpus counts as used now."""
        folder = super().folder(corpus)
        self._room.used(folder)
        return folder

    def path(self, corpus: Corpus) -> Path:
        """The file of the corpus's text, UTF-8, which is fetched if it is not here. Raises CorpusNotFoundError,
        CorpusDamagedError, OSError."""
        folder = self.folder(corpus)
        if self._mirror.note(corpus.id) is not None:
            self._texts.need(corpus, folder)
        return folder / TEXT

    def verified(self, corpus: Corpus, check: Callable[[], None] = lambda: None) -> Path:
        """As in any store; a text that has changed here is fetched again, and verified then."""
        path = self.path(corpus)
        if has_digest(corpus, path, check):
            return path
        if self._mirror.note(corpus.id) is None:
            raise CorpusDamagedError(corpus.id, CHANGED)
        drop(path)
        return self.path(corpus)

    def _existing(self, corpus: str) -> Path:
        """Also asks the store for one that is not known here: another machine may have acknowledged it just now."""
        try:
            return super()._existing(corpus)
        except CorpusNotFoundError:
            if is_id(corpus) and (head := self._heads.read(corpus)) and not head.is_deleted:
                self._follower.one(corpus)
            return super()._existing(corpus)

    def _read(self, folder: Path) -> Corpus:
        note = self._mirror.note(folder.name)
        if note is None:
            return read_corpus(folder)
        try:
            corpus = read_description(folder)
        except DamagedFileError as error:
            if note.fault:
                raise DamagedFileError(note.fault) from error
            self._mark(folder.name, replace(note, etag=""))  # refresh writes it again
            raise
        if not has_text(folder, corpus) and (fault := note.text_fault(corpus)):
            raise DamagedFileError(fault)
        return corpus

    def _place(self, folder: Path, corpus: Corpus) -> tuple[Corpus, bool]:
        """Each round writes the text under a new key: one that has lost may have lost it to a collection."""
        while True:
            head = self._heads.read(corpus.id)
            if head is not None and head.corpus is not None and self._is_whole(head):
                self._follower.one(corpus.id, uploaded=folder / TEXT)
                return replace(corpus, name=head.corpus.name, created=head.corpus.created), False
            if head is not None and not head.is_deleted:
                log.warning("corpus %s is repaired: the same text was uploaded again", corpus.id)
            upload = self._heads.put_text(corpus.id, folder / TEXT)
            try:
                self._heads.put(head, corpus, files.read(folder / CHARACTERS).decode(), upload)
            except LOST:
                with suppress(OSError):  # what stays is collected later
                    self._heads.drop([text_key(corpus.id, upload)])
                continue
            self._changed(corpus.id, folder / TEXT)
            return corpus, True

    def _is_whole(self, head: Head) -> bool:
        """Whether the store has what the head says, as far as this is known."""
        text, note = self._heads.text(head), self._mirror.note(head.id)
        is_bad = note is not None and note.is_bad and text is not None and note.text == (text.etag, text.size)
        return head.corpus is not None and text is not None and text.size == head.corpus.bytes and not is_bad

    def _changed(self, corpus: str, uploaded: Path | None = None) -> None:
        """What was changed in the store is seen here at once, and elsewhere soon."""
        try:
            self._follower.one(corpus, uploaded=uploaded)
        except StoreUnavailableError as error:
            log.warning("corpus %s has changed in the store, and will here when that answers again: %s", corpus, error)
        self._announce()

    def _delete_here(self, corpus: str) -> None:
        """Delete a corpus that only this machine has: it was here before there was a store."""
        if jobs := self._in_use(corpus):
            raise CorpusInUseError(corpus, jobs)
        with locks.locked(self.root / LOCK), suppress(FileNotFoundError):
            self._order.remember(corpus)
            drop(withdraw(self.root / corpus))

    def _mark(self, corpus: str, note: Note) -> None:
        with locks.locked(self.root / LOCK):
            self._mirror.mark(corpus, note)
