"""An uploaded file to a UTF-8 text in its place; knows nothing of corpora."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from model_store import files
from service.training.decoding import CHUNK, Census, decoded, detect, marked_encoding
from service.training.errors import EmptyCorpusError, EncodingError


def convert(file: BinaryIO, path: Path) -> tuple[Census, str]:
    """Make the uploaded file at `path`, open as `file`, UTF-8 without a byte order mark; counts it, names its encoding.

    Raises EmptyCorpusError, BinaryCorpusError, EncodingError.
    """
    file.flush()
    file.seek(0)
    encoding, skipped = marked_encoding(file.read(4)) or ("utf-8", 0)
    try:
        census = _rewrite(file, path, encoding, skipped)
    except EncodingError as error:
        if skipped:
            raise
        encoding = detect(file, error)
        census = _rewrite(file, path, encoding, 0)
    if not census.characters:
        raise EmptyCorpusError("the corpus is empty")
    return census, encoding


def _rewrite(file: BinaryIO, path: Path, encoding: str, skipped: int) -> Census:
    """Decode the file from byte `skipped` on. What is UTF-8 already stays as it is; else the text takes its place."""
    census = Census()
    file.seek(skipped)
    texts = decoded(iter(lambda: file.read(CHUNK), b""), encoding, skipped)
    if encoding == "utf-8" and not skipped:
        for text in texts:
            census.count(text, text.encode())
        files.finish(file)
        return census
    with files.draft(path.parent) as converted:
        for text in texts:
            encoded = text.encode()
            census.count(text, encoded)
            converted.write(encoded)
        files.finish(converted)
        Path(converted.name).replace(path)
    return census
