"""A corpus: its corpus file, and the folder that the file describes; knows no store."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter

from durable.clock import now
from durable.entries import is_folder
from durable.files import opened
from durable.reading import DamagedFileError, fault_of, read_bytes, read_json
from service.training.corpora.conversion import Converted
from service.training.corpora.decoding import CHUNK, LineEnds, Newlines
from service.training.errors import CorpusError

TEXT: Final = "text.txt"
CHARACTERS: Final = "characters.txt"
CORPUS_FILE: Final = "corpus.json"
MAX_NAME: Final = 200
CHANGED: Final = f"{TEXT} is not what was uploaded"


@dataclass(frozen=True, slots=True)
class Corpus:
    """A stored text: `sha256` and `bytes` refer to its UTF-8 form without byte order marks; `id` is the beginning of
    the digest; `created` UTC ISO 8601. `encoding` and `line_ends` are those of the upload; `newlines` says whether line
    ends were converted to LF. `preview` has the first lines with non-ASCII characters, or the first lines of an ASCII
    text."""

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


SHAPE: Final = TypeAdapter(Corpus)


def read_corpus(folder: Path) -> Corpus:
    """The corpus in this folder, from its corpus file, which must match the other files. Raises DamagedFileError."""
    corpus = read_description(folder)
    with _faults(), opened(folder / TEXT) as text:
        size = os.fstat(text.fileno()).st_size
    if size != corpus.bytes:
        raise DamagedFileError(f"{TEXT} has {size} of {corpus.bytes} bytes")
    return corpus


def read_description(folder: Path) -> Corpus:
    """The same, whether its text is there or not."""
    if not is_folder(folder):
        raise DamagedFileError("it is no folder")
    with _faults():
        corpus = read_json(folder / CORPUS_FILE, SHAPE)
        characters = read_bytes(folder / CHARACTERS).decode()
    if corpus.id != folder.name:
        raise DamagedFileError(f"{CORPUS_FILE} is that of another corpus, {corpus.id[:70]!r}")
    if len(characters) != corpus.vocabulary_size or list(characters) != sorted(set(characters)):
        raise DamagedFileError(f"{CHARACTERS} does not have the {corpus.vocabulary_size} characters, ascending")
    return corpus


@contextmanager
def _faults() -> Iterator[None]:
    """What cannot be read is damaged."""
    try:
        yield
    except OSError as error:
        fault = "is missing" if isinstance(error, FileNotFoundError) else fault_of(error)
        raise DamagedFileError(f"{Path(error.filename or TEXT).name} {fault}") from error
    except UnicodeDecodeError as error:
        raise DamagedFileError(f"{CHARACTERS} is not UTF-8") from error


def has_digest(corpus: Corpus, text: Path, check: Callable[[], None] = lambda: None) -> bool:
    """Whether the file has the text that was uploaded; meanwhile `check` is called several times a second. Raises
    OSError."""
    digest = hashlib.sha256()
    with text.open("rb") as file:
        while piece := file.read(CHUNK):
            check()
            digest.update(piece)
    return digest.hexdigest() == corpus.sha256


def corpus_of(converted: Converted, newlines: Newlines, name: str) -> Corpus:
    """The corpus of a converted upload; without a name it is named after its digest."""
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


def name_of(file_name: str) -> str:
    """A corpus name for this file name: white space becomes single spaces, unprintable characters are removed, and a
    long name is truncated."""
    shown = "".join(" " if c.isspace() else c if c.isprintable() else "" for c in file_name)
    return " ".join(shown.split())[:MAX_NAME].strip()


def check_name(name: str) -> None:
    """Raises CorpusError for a name that is too long or cannot be printed."""
    if len(name) > MAX_NAME or not name.isprintable():
        raise CorpusError(f"name must be at most {MAX_NAME} printable characters, not {name[:60]!r} ({len(name)})")
