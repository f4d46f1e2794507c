"""The folders of the corpora that an object store has, as a CorpusStore lays them out, and a note in each of what it
mirrors; knows no objects. The caller holds the lock of the store's folder wherever it changes them. Nothing waits for
the disk: what a power cut damages is written again."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter

from durable import files
from durable.drafts import draft_folder, put_new_folder, withdraw
from durable.entries import drop, is_file, is_folder, is_there
from durable.objects import ObjectInfo
from durable.reading import DamagedFileError, read_json
from service.training.corpora.corpus import CHARACTERS, CORPUS_FILE, TEXT, Corpus
from service.training.corpora.heads import Head
from service.training.corpora.order import CorpusOrder, is_id

NOTE: Final = ".stored.json"
CHANGED_IN_STORE: Final = f"{TEXT} in the store is not what was uploaded"


@dataclass(frozen=True, slots=True)
class Note:
    """What a folder mirrors: the e-tag of the head, empty if the folder is to be written again; the upload that wrote
    the text; the e-tag and the size of the text in the store, None if it is missing there, and whether it was found not
    to be what was uploaded; and the `fault` of a head that cannot be read."""

    etag: str
    upload: str = ""
    text: tuple[str, int] | None = None
    is_bad: bool = False
    fault: str = ""

    def text_fault(self, corpus: Corpus) -> str:
        """What is wrong with the corpus's text in the store; empty if nothing is known to be."""
        if self.fault:
            return self.fault
        if self.text is None:
            return f"{TEXT} is missing in the store"
        if (size := self.text[1]) != corpus.bytes:
            return f"{TEXT} in the store has {size} of {corpus.bytes} bytes"
        return CHANGED_IN_STORE if self.is_bad else ""


_SHAPE: Final = TypeAdapter(Note)


class CorpusMirror:
    """The mirror in the folder `root`; `order` remembers the places of those that are removed. A folder without a note
    is not part of it, and is left alone."""

    def __init__(self, root: Path, order: CorpusOrder) -> None:
        self._root = root
        self._order = order
        self._seen: dict[str, tuple[tuple[int, ...], Note]] = {}

    def note(self, corpus: str) -> Note | None:
        """The note of a corpus; None if its folder is not part of the mirror. Asking again costs one stat."""
        path = self._root / corpus / NOTE
        try:
            stat = path.lstat()
            signature = (stat.st_ino, stat.st_ctime_ns, stat.st_size)
            seen = self._seen.get(corpus)
            if seen is None or seen[0] != signature:
                seen = self._seen[corpus] = (signature, _read(path))
        except (FileNotFoundError, NotADirectoryError):
            self._seen.pop(corpus, None)
            return None
        return seen[1]

    def ids(self) -> Iterator[str]:
        """The corpora in the mirror."""
        with suppress(FileNotFoundError):
            for name in os.listdir(self._root):  # noqa: PTH208 (one call, no Path objects)
                if is_id(name) and self.note(name) is not None:
                    yield name

    def keep(self, head: Head, characters: bytes | None, text: ObjectInfo | None, uploaded: Path | None) -> bool:
        """Make the folder what the head says, and put the text in it that was `uploaded` here, if there is none yet.
        Returns whether anything has changed but the e-tags. Raises OSError."""
        folder = self._root / head.id
        before = self.note(head.id)
        note = Note(head.etag, head.upload, (text.etag, text.size) if text else None, fault=head.fault)
        if before is not None and (before.upload, before.text) == (note.upload, note.text):
            note = replace(note, is_bad=before.is_bad)
        if is_folder(folder):
            changed = _fill(folder, head, characters, uploaded)
            self._write(folder, head.id, note)
            return changed or before is None or replace(before, etag=note.etag) != note
        with draft_folder(self._root, clean=False) as new:
            _fill(new, head, characters, uploaded)
            self._write(new, head.id, note)
            if is_there(folder):
                drop(withdraw(folder))
            put_new_folder(new, folder, sync=False)
        return True

    def mark(self, corpus: str, note: Note) -> None:
        """Replace the note, if the folder is still there."""
        with suppress(FileNotFoundError):
            self._write(self._root / corpus, corpus, note)

    def remove(self, corpus: str) -> bool:
        """Remove the folder, if it is part of the mirror; returns whether it was."""
        if self.note(corpus) is None:
            return False
        self._order.remember(corpus)
        drop(withdraw(self._root / corpus))
        self._seen.pop(corpus, None)
        return True

    def _write(self, folder: Path, corpus: str, note: Note) -> None:
        files.put(folder / NOTE, json.dumps(asdict(note)).encode(), sync=False)
        self._seen.pop(corpus, None)  # the clock of the file system may not tell two changes apart


def has_text(folder: Path, corpus: Corpus) -> bool:
    """Whether the text is in the folder, judged by its size."""
    path = folder / TEXT
    with suppress(FileNotFoundError):
        return is_file(path) and path.stat().st_size == corpus.bytes
    return False


def _fill(folder: Path, head: Head, characters: bytes | None, uploaded: Path | None) -> bool:
    """Write the small files of a corpus; what cannot be had stays as it is."""
    if head.corpus is None:
        return False
    changed = characters is not None and _put(folder / CHARACTERS, characters)
    changed |= _put(folder / CORPUS_FILE, json.dumps(asdict(head.corpus)).encode())
    if uploaded is not None and not has_text(folder, head.corpus):
        if is_there(folder / TEXT):
            drop(folder / TEXT)
        uploaded.replace(folder / TEXT)
        changed = True
    return changed


def _put(path: Path, data: bytes) -> bool:
    """Returns whether the file had another content."""
    with suppress(OSError):
        if files.read(path) == data:
            return False
    files.put(path, data, sync=False)
    return True


def _read(path: Path) -> Note:
    """A note that cannot be read is written again with its folder."""
    try:
        return read_json(path, _SHAPE)
    except DamagedFileError:
        return Note("")
