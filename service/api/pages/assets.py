"""The static files of pages, held in memory, compressed, under paths that contain a digest; knows no pages."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
import posixpath
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from flask import Response, request

FOREVER: Final = "public, max-age=31536000, immutable"
ALWAYS_ASK: Final = "no-cache"
TYPES: Final = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", "": "text/plain"}
"""Not taken from the system's table, which is wrong on some machines: with `nosniff` a script of a wrong type is not
run."""

_IMPORT: Final = re.compile(r'^(?:import|export)\b[^;]*?"(\.\.?/[^"]+)";', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Asset:
    """A file to be sent: `packed` is compressed with gzip, for clients that accept it."""

    body: bytes
    packed: bytes
    mimetype: str


@dataclass(frozen=True, slots=True)
class Assets:
    """The files by their paths, and a digest of all of them. Because modules import each other by relative paths, all
    files that a page loads are from the same release."""

    files: dict[str, Asset]
    digest: str

    def modules(self, *paths: str) -> list[str]:
        """The scripts and everything that they import, directly or indirectly, so that a page can preload them."""
        found = [*paths]
        for each in found:
            found += [name for name in _imports(each, self.files[each].body) if name not in found]
        return found


@cache
def load(folder: Path) -> Assets:
    """All files below the folder; read once in a process."""
    files, digest = {}, hashlib.sha256()
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        name, body = path.relative_to(folder).as_posix(), path.read_bytes()
        digest.update(f"{name}\0{len(body)}\0".encode() + body)
        files[name] = Asset(body, gzip.compress(body, mtime=0), _type_of(path))
    return Assets(files, digest.hexdigest()[:12])


def _imports(path: str, script: bytes) -> list[str]:
    """The paths of what a script at this path imports."""
    paths = (posixpath.normpath(f"{posixpath.dirname(path)}/{name}") for name in _IMPORT.findall(script.decode()))
    return list(dict.fromkeys(each.removeprefix("/") for each in paths))


def _type_of(path: Path) -> str:
    known = TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0]
    return known or "application/octet-stream"


def send(body: bytes, mimetype: str, cache_control: str, packed: bytes | None = None) -> Response:
    """A reply with this Cache-Control, and with the compressed body if the client accepts it."""
    takes = request.accept_encodings.quality("gzip") > 0
    data = (packed or gzip.compress(body, mtime=0)) if takes else body
    response = Response(data, content_type=f"{mimetype}; charset=utf-8" if _is_text(mimetype) else mimetype)
    response.headers["Cache-Control"] = cache_control
    response.vary.add("Accept-Encoding")
    if takes:
        response.content_encoding = "gzip"
    response.add_etag()
    response.make_conditional(request)
    return response


def _is_text(mimetype: str) -> bool:
    return mimetype.startswith("text/") or mimetype == "image/svg+xml"
