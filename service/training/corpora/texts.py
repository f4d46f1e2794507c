"""The texts of a mirror: fetched from the object store when they are needed, and verified."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

from durable import locks
from durable.drafts import draft_folder
from durable.objects import ObjectDamagedError, ObjectInfo, ObjectMissingError, Objects
from service.training.corpora.corpus import TEXT, Corpus, has_digest
from service.training.corpora.following import HeadsFollower
from service.training.corpora.heads import text_key
from service.training.corpora.mirror import CorpusMirror, Note, has_text
from service.training.corpora.room import Room
from service.training.corpora.store import not_found
from service.training.errors import CorpusDamagedError

_FETCHING: Final = ".fetching"


class Texts:
    """Fetches the texts of a mirror, and makes room for them; `lock` as for its other changes."""

    def __init__(self, objects: Objects, mirror: CorpusMirror, follower: HeadsFollower, room: Room, lock: Path) -> None:
        self._objects = objects
        self._mirror = mirror
        self._follower = follower
        self._room = room
        self._lock = lock

    def need(self, corpus: Corpus, folder: Path) -> None:
        """Have the text in the corpus's folder, which is part of the mirror. Raises CorpusNotFoundError,
        CorpusDamagedError, OSError."""
        if has_text(folder, corpus):
            return
        self._room.make(corpus.bytes)
        with locks.locked(folder / _FETCHING):
            if not has_text(folder, corpus):
                self._fetch(corpus, folder)

    def _fetch(self, corpus: Corpus, folder: Path) -> None:
        with draft_folder(folder) as new:
            note, info = self._fetched(corpus, new / TEXT)
            if info is None or not has_digest(corpus, new / TEXT):
                bad = replace(note, is_bad=True)
                with locks.locked(self._lock):
                    self._mirror.mark(corpus.id, bad)
                raise CorpusDamagedError(corpus.id, bad.text_fault(corpus))
            (new / TEXT).replace(folder / TEXT)

    def _fetched(self, corpus: Corpus, path: Path) -> tuple[Note, ObjectInfo | None]:
        """What the store has as the text, None if that is damaged, with the note by which it was found."""
        note = self._note(corpus.id)
        while True:
            try:
                info = self._objects.fetch(text_key(corpus.id, note.upload), path)
                return replace(note, text=(info.etag, info.size)), info
            except ObjectDamagedError:
                return note, None
            except ObjectMissingError as error:
                self._follower.one(corpus.id)  # it may have been deleted, and uploaded again
                before, note = note, self._note(corpus.id)
                if note.upload == before.upload:
                    raise CorpusDamagedError(corpus.id, note.text_fault(corpus)) from error

    def _note(self, corpus: str) -> Note:
        note = self._mirror.note(corpus)
        if note is None:
            raise not_found(corpus)
        return note
