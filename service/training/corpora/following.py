"""Keeps a machine's mirror of the corpora as their object store is, the texts apart."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Final

from pydantic import TypeAdapter

from durable import files, locks
from durable.objects import ObjectInfo, StoreUnavailableError
from durable.reading import DamagedFileError, read_json
from service.training.corpora.heads import CorpusHeads, by_corpus, head_key, keys_of, text_key
from service.training.corpora.leftovers import Leftovers
from service.training.corpora.mirror import CorpusMirror

GONE: Final = ".gone.json"
"""The e-tags of the heads of deleted corpora, which need not be read again."""

_ETAGS: Final = TypeAdapter(dict[str, str])

log = logging.getLogger(__name__)


class HeadsFollower:
    """Follows the heads of a store with the mirror in the folder `root`, whose changes it makes under `lock`. Any
    number of processes may do so."""

    def __init__(self, root: Path, lock: Path, heads: CorpusHeads, mirror: CorpusMirror, leftovers: Leftovers) -> None:
        self._root = root
        self._lock = lock
        self._heads = heads
        self._mirror = mirror
        self._leftovers = leftovers
        self._gone: dict[str, str] | None = None

    def all(self, listed: Iterable[ObjectInfo]) -> bool:
        """Follow all heads among these objects, and collect what was left behind; returns whether any corpus has
        changed. Raises OSError."""
        found, gone = by_corpus(listed), self._known_gone()
        before, changed = dict(gone), False
        for corpus, objects in found.items():
            if (head := objects.get(head_key(corpus))) and not self._is_current(corpus, head, objects):
                changed |= self._followed(corpus, objects)
        for corpus in list(self._mirror.ids()):
            if head_key(corpus) not in (objects := found.get(corpus, {})):
                changed |= self._followed(corpus, objects)
        for corpus in gone.keys() - found:
            del gone[corpus]
        if gone != before:
            files.put(self._root / GONE, json.dumps(gone).encode(), sync=False)
        self._leftovers.look({corpus: (objects, self._owned(corpus, objects)) for corpus, objects in found.items()})
        return changed

    def one(
        self, corpus: str, objects: Mapping[str, ObjectInfo] = MappingProxyType({}), uploaded: Path | None = None
    ) -> bool:
        """Make the corpus's folder what the store has now, with the text that was `uploaded` here; `objects`: what is
        known of its objects. Returns whether anything has changed. Raises OSError.

        The head is read under the lock, so that an older one never replaces a newer one.
        """
        self._root.mkdir(parents=True, exist_ok=True)
        with locks.locked(self._lock):
            head, gone = self._heads.read(corpus), self._known_gone()
            if head is None or head.is_deleted:
                if head is not None:
                    gone[corpus] = head.etag
                return self._mirror.remove(corpus)
            gone.pop(corpus, None)
            text = objects.get(text_key(corpus, head.upload)) or self._heads.text(head)
            return self._mirror.keep(head, self._heads.characters(head), text, uploaded)

    def _followed(self, corpus: str, objects: Mapping[str, ObjectInfo]) -> bool:
        """The same for one of many: a fault of its folder keeps no other from being followed."""
        try:
            return self.one(corpus, objects)
        except StoreUnavailableError:
            raise
        except OSError as error:
            log.warning("corpus %s cannot be mirrored: %s", corpus, error)
            return False

    def _is_current(self, corpus: str, head: ObjectInfo, objects: Mapping[str, ObjectInfo]) -> bool:
        note = self._mirror.note(corpus)
        if note is None:
            return self._known_gone().get(corpus) == head.etag
        text = objects.get(text_key(corpus, note.upload))
        return note.etag == head.etag and note.text == ((text.etag, text.size) if text else None)

    def _owned(self, corpus: str, objects: Mapping[str, ObjectInfo]) -> frozenset[str]:
        """The keys that belong to the corpus, as far as this is known."""
        if head_key(corpus) not in objects:
            return frozenset()
        if note := self._mirror.note(corpus):
            return keys_of(corpus, note.upload)
        return keys_of(corpus, None) if corpus in self._known_gone() else frozenset(objects)

    def _known_gone(self) -> dict[str, str]:
        if self._gone is None:
            self._gone = {}
            with suppress(FileNotFoundError, DamagedFileError):
                self._gone = read_json(self._root / GONE, _ETAGS)
        return self._gone
