"""An uploaded file as a stream of bytes, sent as a raw body or in a form; the file is never held in memory."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from flask import request

from charrnn.wording import count
from service.api.http.errors import ApiError
from service.api.http.multipart import FILE, read_form, repeated_field, shown_name, unknown_field
from service.api.http.parsing import whole_body

CHUNK_BYTES: Final = 1 << 20
FORM_OVERHEAD_BYTES: Final = 1 << 16
"""The maximum size of a form without its file: boundaries, headers and small fields."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file being uploaded: its bytes in order, its name if given, the other fields, the charset in its content type,
    and its size in bytes if announced."""

    chunks: Iterator[bytes]
    file_name: str
    fields: Mapping[str, str]
    charset: str | None = None
    size: int | None = None


@contextmanager
def upload(folder: Path, max_bytes: int, known: Collection[str], content_type: str = "text/plain") -> Iterator[Upload]:
    """The file of this request: that of a form, or a raw body with this content type, whose bytes the reader must
    count.

    `known` are the allowed fields: query parameters, and in a form also its fields. A form's file is stored in
    `folder`, without a name, while it is read. Raises ApiError 413 for a body that is too large, 415 for another
    content type, 400 and 422 for a form that cannot be read, 422 for fields that are unknown or given twice.
    """
    _check_declared_size(max_bytes)
    parameters = query_parameters(known)
    if request.mimetype == content_type:
        request.max_content_length = None
        charset = request.mimetype_params.get("charset")
        yield Upload(_pieces(request.stream), "", parameters, charset, request.content_length)
    elif request.mimetype == "multipart/form-data":
        request.max_content_length = max_bytes + FORM_OVERHEAD_BYTES
        with read_form(request, folder, known) as form:
            fields = _together(parameters, form.fields)
            yield Upload(_pieces(form.file), form.file_name, fields, form.charset)
    else:
        got = request.mimetype or "none"
        raise ApiError(
            415, "wrong_content_type", f"Content-Type must be multipart/form-data or {content_type}, not {got}"
        )


def beginning(sent: Upload, most: int) -> bytes:
    """The bytes of a file that is small enough to be held. Raises ApiError 413."""
    held = b""
    for chunk in sent.chunks:
        held += chunk
        if len(held) > most:
            raise too_large(most, "more")
    return held


def query_parameters(known: Collection[str]) -> dict[str, str]:
    """The query parameters. Raises ApiError 422 for an unknown or a repeated one."""
    for name, values in request.args.lists():
        if name not in known:
            raise unknown_field(name, known)
        if len(values) > 1:
            raise repeated_field(name)
    return request.args.to_dict()


def _together(parameters: dict[str, str], fields: dict[str, str]) -> dict[str, str]:
    for name in parameters.keys() & fields.keys():
        if parameters[name] != fields[name]:
            message = f"{name} is {parameters[name][:60]!r} in the address and {fields[name][:60]!r} in the form"
            raise ApiError(422, "conflicting_fields", message, shown_name(name))
    return parameters | fields


def _check_declared_size(max_bytes: int) -> None:
    declared = request.content_length
    if declared is not None and declared > max_bytes + FORM_OVERHEAD_BYTES:
        raise too_large(max_bytes, count(declared, "byte"))


def too_large(max_bytes: int, size: str) -> ApiError:
    """The error for an upload over the limit."""
    return ApiError(413, "too_large", f"{FILE} must be at most {count(max_bytes, 'byte')}, not {size}", FILE)


def _pieces(stream: IO[bytes]) -> Iterator[bytes]:
    while True:
        with whole_body():
            piece = stream.read(CHUNK_BYTES)
        if not piece:
            return
        yield piece
