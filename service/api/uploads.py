"""An uploaded file as a stream of bytes, however it is sent: a raw body or a form; nothing is held in memory."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from flask import request
from werkzeug.formparser import FormDataParser

from charrnn.wording import count
from service.api.errors import ApiError
from service.api.parsing import whole_body

CHUNK_BYTES: Final = 1 << 20
FORM_OVERHEAD_BYTES: Final = 1 << 16
"""What a form may have beside its file: boundaries, headers and small fields."""
PARSER_BYTES: Final = 1 << 17
"""What a form's parser may hold: 64 KiB just read, of the file as well, and as much that it has not got through yet."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file on its way in: its bytes in order, what came with it, and its size in bytes where that was announced."""

    chunks: Iterator[bytes]
    name: str
    fields: dict[str, str]
    size: int | None = None


@contextmanager
def upload(folder: Path, max_bytes: int, content_type: str = "text/plain") -> Iterator[Upload]:
    """The file of this request: a form's, or a raw body of the content type, whose bytes the reader has to count.

    A form's file is kept in `folder`, unseen, while it is read. Raises ApiError 413 for a body that is too large, 415
    for another content type, 422 for a form without `file`.
    """
    _check_declared_size(max_bytes)
    if request.mimetype == content_type:
        request.max_content_length = None
        yield Upload(
            _pieces(request.stream), request.args.get("name", ""), request.args.to_dict(), request.content_length
        )
    elif request.mimetype == "multipart/form-data":
        with _form(folder, max_bytes) as sent:
            yield sent
    else:
        got = request.mimetype or "none"
        raise ApiError(
            415, "wrong_content_type", f"Content-Type must be multipart/form-data or {content_type}, not {got}"
        )


def _check_declared_size(max_bytes: int) -> None:
    declared = request.content_length
    if declared is not None and declared > max_bytes + FORM_OVERHEAD_BYTES:
        raise too_large(max_bytes, count(declared, "byte"))


def too_large(max_bytes: int, size: str) -> ApiError:
    """The error for an upload over the limit."""
    return ApiError(413, "too_large", f"file must be at most {count(max_bytes, 'byte')}, not {size}", "file")


@contextmanager
def _form(folder: Path, max_bytes: int) -> Iterator[Upload]:
    folder.mkdir(parents=True, exist_ok=True)
    opened: list[IO[bytes]] = []

    def stream_factory(*_: Any, **__: Any) -> IO[bytes]:
        opened.append(tempfile.TemporaryFile(dir=folder))  # noqa: SIM115 (closed below)
        return opened[-1]

    try:
        request.max_content_length = max_bytes + FORM_OVERHEAD_BYTES
        parser = FormDataParser(stream_factory, max_form_memory_size=PARSER_BYTES, max_form_parts=16, silent=False)
        with whole_body():
            _, form, files = parser.parse(
                request.stream, request.mimetype, request.content_length, request.mimetype_params
            )
        if (file := files.get("file")) is None:
            raise ApiError(422, "missing_field", "file is required: the part of the form that holds it", "file")
        fields = request.args.to_dict() | form.to_dict()
        yield Upload(_pieces(file.stream), fields.get("name") or file.filename or "", fields)
    finally:
        for stream in opened:
            stream.close()


def _pieces(stream: IO[bytes]) -> Iterator[bytes]:
    while True:
        with whole_body():
            piece = stream.read(CHUNK_BYTES)
        if not piece:
            return
        yield piece
