"""What an object store has of a corpus: its text, which never changes, and a small head, which says that there is a
corpus, and where its text is; knows no mirror.

The head is only ever replaced by compare and swap, and never taken away: that of a deleted corpus says so. Each upload
puts its text under a key of its own. So a swap of the head decides about all uploads and deletions that began
before it, and a text that no head names can be deleted at any later time, however late that call arrives.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError, with_config
from typing_extensions import TypedDict  # required by pydantic before Python 3.12

from durable.objects import (
    ObjectChangedError,
    ObjectDamagedError,
    ObjectExistsError,
    ObjectInfo,
    ObjectMissingError,
    Objects,
)
from service.training.corpora.corpus import CHARACTERS, CORPUS_FILE, SHAPE, TEXT, Corpus
from service.training.corpora.order import is_id

PREFIX: Final = "corpora/"
LOST: Final = (ObjectExistsError, ObjectChangedError)
"""Another writer of the same head was faster."""


@with_config(extra="allow")
class _Stored(TypedDict, total=False):
    """What the head says beside the corpus: how often it was written, which upload wrote the text, and the characters
    of that. A head that was copied from a directory has nothing of this: its files have the names that they have there.
    """

    counter: int
    upload: str
    characters: str


@with_config(extra="allow")
class _Any(TypedDict, total=False):
    created: str
    deleted: bool
    stored: _Stored


_ANY: Final = TypeAdapter(_Any)


@dataclass(frozen=True, slots=True)
class Head:
    """The head of the corpus `id`: `corpus` is None if it is deleted, or if the head cannot be read, which `fault` then
    says."""

    id: str
    etag: str
    counter: int = 0
    corpus: Corpus | None = None
    created: str = ""
    upload: str = ""
    characters: str | None = None
    fault: str = ""

    @property
    def is_deleted(self) -> bool:
        """Whether there is no corpus any more."""
        return self.corpus is None and not self.fault

    @property
    def keys(self) -> frozenset[str]:
        """The objects that belong to the corpus."""
        return keys_of(self.id, None if self.corpus is None else self.upload)


def head_key(corpus: str) -> str:
    """The key of a corpus's head."""
    return f"{PREFIX}{corpus}/{CORPUS_FILE}"


def text_key(corpus: str, upload: str) -> str:
    """The key of the text that an upload wrote."""
    stem, suffix = TEXT.split(".")
    return f"{PREFIX}{corpus}/{stem}-{upload}.{suffix}" if upload else f"{PREFIX}{corpus}/{TEXT}"


def characters_key(corpus: str) -> str:
    """The key of the characters of a corpus that was copied from a directory."""
    return f"{PREFIX}{corpus}/{CHARACTERS}"


def keys_of(corpus: str, upload: str | None) -> frozenset[str]:
    """The objects of a corpus whose text this upload wrote; without one, of a corpus that is deleted."""
    if upload is None:
        return frozenset({head_key(corpus)})
    return frozenset({head_key(corpus), text_key(corpus, upload), *([] if upload else [characters_key(corpus)])})


class CorpusHeads:
    """The heads in a store. All methods raise OSError, StoreUnavailableError for one that is away."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def read(self, corpus: str) -> Head | None:
        """The head of a corpus; None if there never was one."""
        key = head_key(corpus)
        try:
            content = self._objects.get(key)
            return _head(corpus, content.data, content.etag)
        except ObjectDamagedError as error:
            return Head(corpus, self._objects.look(key).etag, fault=f"{CORPUS_FILE} in the store {error.reason}")
        except ObjectMissingError:
            return None

    def put(self, before: Head | None, corpus: Corpus, characters: str, upload: str) -> None:
        """Make the corpus visible. Raises one of LOST."""
        stored = {"upload": upload, "characters": characters}
        self._put(corpus.id, before, asdict(corpus), stored)

    def delete(self, before: Head) -> None:
        """Take the corpus away. Raises one of LOST."""
        self._put(before.id, before, {"id": before.id, "created": before.created, "deleted": True}, {})

    def touch(self, corpus: str, before: Head | None) -> None:
        """Change the head, and nothing of what it says: a writer that has read it before loses. Raises one of LOST."""
        if before is None or before.corpus is None:
            self.delete(before or Head(corpus, ""))
            return
        stored = {"upload": before.upload}
        if before.characters is not None:
            stored["characters"] = before.characters
        self._put(corpus, before, asdict(before.corpus), stored)

    def text(self, head: Head) -> ObjectInfo | None:
        """What the store knows of the text; None if it has none."""
        try:
            return self._objects.look(text_key(head.id, head.upload))
        except ObjectMissingError:
            return None

    def characters(self, head: Head) -> bytes | None:
        """The characters of the text, UTF-8; None if they are missing."""
        if head.characters is not None:
            return head.characters.encode()
        try:
            return self._objects.get(characters_key(head.id)).data
        except (ObjectMissingError, ObjectDamagedError):
            return None

    def put_text(self, corpus: str, path: Path) -> str:
        """Write a text that no head names yet; returns the name of this upload."""
        upload = secrets.token_hex(8)
        self._objects.put_new_file(text_key(corpus, upload), path)
        return upload

    def objects_of(self, corpus: str) -> list[str]:
        """The keys of all objects of a corpus, whether its head names them or not."""
        return [each.key for each in self._objects.list(f"{PREFIX}{corpus}/")]

    def drop(self, keys: Iterable[str]) -> None:
        """Delete objects that no head names, nor will."""
        for key in keys:
            self._objects.delete(key)

    def _put(self, corpus: str, before: Head | None, fields: dict[str, Any], stored: dict[str, Any]) -> None:
        """The counter and the nonce make each head another one: a store compares contents."""
        counter = 1 + (before.counter if before else 0)
        data = json.dumps({**fields, "stored": {"counter": counter, **stored, "nonce": secrets.token_hex(8)}}).encode()
        if before is None or not before.etag:
            self._objects.put_new(head_key(corpus), data)
        else:
            self._objects.swap(head_key(corpus), data, before.etag)


def _head(corpus: str, data: bytes, etag: str) -> Head:
    try:
        found = _ANY.validate_json(data, strict=True)
        stored = found.get("stored", _Stored())
        counter, created = stored.get("counter", 0), found.get("created", "")
        if found.get("deleted", False):
            return Head(corpus, etag, counter, created=created)
        read = SHAPE.validate_json(data, strict=True)
    except ValidationError:
        return Head(corpus, etag, fault=f"{CORPUS_FILE} in the store is not what it should be")
    if read.id != corpus:
        return Head(corpus, etag, fault=f"{CORPUS_FILE} in the store is that of another corpus, {read.id[:70]!r}")
    return Head(corpus, etag, counter, read, created, stored.get("upload", ""), stored.get("characters"))


def by_corpus(listed: Iterable[ObjectInfo]) -> dict[str, dict[str, ObjectInfo]]:
    """The objects of each corpus, by their keys."""
    found: dict[str, dict[str, ObjectInfo]] = {}
    for corpus, each in _of_corpora(listed):
        found.setdefault(corpus, {})[each.key] = each
    return found


def _of_corpora(listed: Iterable[ObjectInfo]) -> Iterator[tuple[str, ObjectInfo]]:
    for each in listed:
        corpus, slash, _ = each.key.removeprefix(PREFIX).partition("/")
        if slash and is_id(corpus) and each.key.startswith(PREFIX):
            yield corpus, each
