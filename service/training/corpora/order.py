"""The order of the corpora, by the time of their upload; knows nothing else of them."""

from __future__ import annotations

import re
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, with_config
from typing_extensions import TypedDict  # required by pydantic before Python 3.12

from durable import files
from durable.listing import FolderCache
from durable.reading import DamagedFileError, read_json
from service.training.corpora.corpus import CORPUS_FILE

Place = tuple[str, str]
"""The time of a corpus, UTC ISO 8601, and its id."""

DELETED: Final = ".deleted"
"""The folder with a file for each corpus deleted lately, which has its time."""
REMEMBERED_SECONDS: Final = 24 * 3600
_ID: Final = re.compile(r"[0-9a-f]{16}")


@with_config(extra="allow")
class _Created(TypedDict):
    created: str


_CREATED: Final = TypeAdapter(_Created)


def is_id(name: str) -> bool:
    """Whether a corpus may have this id."""
    return _ID.fullmatch(name) is not None


class CorpusOrder:
    """The places of the corpora under `root`, each of whose corpus files is read once."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._times: dict[str, tuple[tuple[int, int], str]] = {}
        self._places = FolderCache(self._sorted)

    def oldest_first(self) -> list[Place]:
        """The places of all corpora; those whose corpus file is damaged count as the oldest."""
        return self._places.of(self._root)

    def place(self, corpus: str) -> Place:
        """The place of this corpus, even if it was deleted during the last day. Raises LookupError."""
        if is_id(corpus):
            if (self._root / corpus).exists():
                return self._time(corpus), corpus
            with suppress(OSError, UnicodeDecodeError):
                return files.read(self._root / DELETED / corpus).decode(), corpus
        raise LookupError(corpus)

    def remember(self, corpus: str) -> None:
        """Keep the place of a corpus that is about to be deleted, if the disk can be written."""
        folder = self._root / DELETED
        with suppress(OSError):
            folder.mkdir(exist_ok=True)
            for path in folder.iterdir():
                if time.time() - path.stat().st_mtime > REMEMBERED_SECONDS:
                    path.unlink(missing_ok=True)
            files.put(folder / corpus, self._time(corpus).encode(), sync=False)

    def _sorted(self, _: Path, names: list[str]) -> list[Place]:
        ids = list(filter(is_id, names))
        self._times = {corpus: self._times[corpus] for corpus in ids if corpus in self._times}
        return sorted((self._time(corpus), corpus) for corpus in ids)

    def _time(self, corpus: str) -> str:
        """From the corpus file, which is read again when the folder was replaced or changed."""
        folder = self._root / corpus
        try:
            stat = folder.stat()
        except OSError:
            return ""
        signature, seen = (stat.st_ino, stat.st_ctime_ns), self._times.get(corpus)
        if seen is None or seen[0] != signature:
            seen = self._times[corpus] = (signature, _created(folder))
        return seen[1]


def _created(folder: Path) -> str:
    try:
        return read_json(folder / CORPUS_FILE, _CREATED)["created"]
    except (FileNotFoundError, DamagedFileError):
        return ""
