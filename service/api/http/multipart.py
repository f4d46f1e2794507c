"""Reads `multipart/form-data` as a stream: one file, written to disk, and a few short fields."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

from flask import Request
from werkzeug.datastructures import Headers
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.http import parse_options_header
from werkzeug.sansio import multipart

from service.api.http.errors import ApiError, shown
from service.api.http.parsing import whole_body

FILE: Final = "file"
MAX_FIELD_BYTES: Final = 1 << 12
MAX_PARTS: Final = 16
PIECE_BYTES: Final = 1 << 16
PARSER_BYTES: Final = 1 << 17
"""The maximum size of the parser's buffer: a piece just read, which may belong to the file, and the same amount of
unparsed data."""


@dataclass(slots=True)
class Form:
    """A parsed form: its fields, and the file on the disk with its declared name and charset."""

    file: IO[bytes]
    file_name: str = ""
    charset: str | None = None
    fields: dict[str, str] = field(default_factory=dict)


@contextmanager
def read_form(request: Request, folder: Path, known: Collection[str]) -> Iterator[Form]:
    """Read the form of this request, which must have a file and may have the `known` fields; the file is stored in
    `folder` without a name.

    Raises ApiError 400 for an invalid form (without a boundary, or with a different one), 413, and 422 for a form
    without a file or with two, and for fields that are unknown or given twice.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as file:
        form = Form(file)
        reader = _Reader(form, known, _boundary(request))
        with whole_body():
            while piece := request.stream.read(PIECE_BYTES):
                reader.take(piece)
        reader.end()
        file.seek(0)
        yield form


def unknown_field(name: str, known: Collection[str]) -> ApiError:
    """The error for an unknown field or parameter."""
    listed = ", ".join(sorted(known))
    return ApiError(
        422, "unknown_field", f"{name!r} is not a field of this request, whose fields are: {listed}", shown_name(name)
    )


def repeated_field(name: str) -> ApiError:
    """The error for a field or parameter that is given twice."""
    return ApiError(422, "repeated_field", f"{name} must be given only once", name)


def shown_name(name: str) -> str:
    """A field's name as shown in an error's `param`."""
    return name[:100]


def _boundary(request: Request) -> bytes:
    boundary = request.mimetype_params.get("boundary", "")
    if not boundary or not boundary.isascii():
        raise _no_form(
            "Content-Type: multipart/form-data needs a boundary; HTTP clients add it when they make the form"
        )
    return boundary.encode()


def _no_form(message: str) -> ApiError:
    return ApiError(400, "invalid_form", message, "Content-Type")


class _Parser(multipart.MultipartDecoder):
    """Werkzeug's parser, in which header bytes that are not UTF-8 are an error of the body."""

    def _parse_headers(self, data: bytes | bytearray) -> Headers:
        return super()._parse_headers(data.decode("utf-8", "replace").encode())


class _Reader:
    """Stores the parts of a form while they arrive."""

    def __init__(self, form: Form, known: Collection[str], boundary: bytes) -> None:
        self._form = form
        self._known = known
        self._boundary = boundary
        self._parser = _Parser(boundary, PARSER_BYTES, max_parts=MAX_PARTS)
        self._began = self._ended = self._has_file = False
        self._field: str | None = None
        self._value = b""

    def take(self, piece: bytes) -> None:
        """The next bytes of the body."""
        if self._ended:
            return
        try:
            self._parser.receive_data(piece)
            self._look()
        except RequestEntityTooLarge:
            if not self._began:
                raise self._wrong_boundary() from None
            raise
        except (ValueError, AttributeError) as error:  # a part without a header, or without the empty line after it
            raise _no_form(f"the form cannot be read: {error}") from None

    def end(self) -> None:
        """The body has ended. Raises ApiError if the form is incomplete."""
        if not self._began:
            raise self._wrong_boundary()
        if not self._ended:
            raise ApiError(400, "incomplete_body", "the form ended before its last boundary; nothing was kept")
        if not self._has_file:
            raise ApiError(422, "missing_field", f"{FILE} is required: the part of the form that holds it", FILE)

    def _look(self) -> None:
        while not isinstance(event := self._parser.next_event(), multipart.NeedData):
            self._began = True
            match event:
                case multipart.Field() | multipart.File():
                    self._open(event)
                case multipart.Data():
                    self._fill(event)
        self._ended = self._parser.state is multipart.State.EPILOGUE

    def _open(self, part: multipart.Field | multipart.File) -> None:
        name = part.name or ""
        if name not in self._known and name != FILE:
            raise unknown_field(name, {*self._known, FILE})
        if name in self._form.fields or (name == FILE and self._has_file):
            raise repeated_field(name)
        self._field = None if name == FILE else name
        self._value = b""
        if name == FILE:
            self._has_file = True
            self._form.file_name = getattr(part, "filename", "")
            self._form.charset = parse_options_header(part.headers.get("Content-Type", ""))[1].get("charset")
        elif isinstance(part, multipart.File):
            raise ApiError(422, "invalid_value", f"{name} must be a field, not a file {shown(part.filename)}", name)

    def _fill(self, data: multipart.Data) -> None:
        if self._field is None:
            self._form.file.write(data.data)
            return
        self._value += data.data
        if len(self._value) > MAX_FIELD_BYTES:
            raise ApiError(
                422, "invalid_value", f"{self._field} must have at most {MAX_FIELD_BYTES} bytes", self._field
            )
        self._form.fields[self._field] = self._value.decode("utf-8", "replace")

    def _wrong_boundary(self) -> ApiError:
        boundary = shown(self._boundary.decode())
        return _no_form(
            f"the boundary that Content-Type announces, {boundary}, is not in the body, which must begin with it"
        )
