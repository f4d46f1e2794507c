"""The files that a page loads, held in memory, packed, under a path that names what is in them; knows no page."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from flask import Response, request

FOREVER: Final = "public, max-age=31536000, immutable"
ALWAYS_ASK: Final = "no-cache"
TYPES: Final = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", "": "text/plain"}
"""Not left to the system's table, which some machines have wrong: with `nosniff` a wrong type is no script."""

_IMPORT: Final = re.compile(r'^(?:import|export)\b[^;]*?"\./([^"]+)";', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is sent: `packed` with gzip, for clients that take it."""

    body: bytes
    packed: bytes
    mimetype: str


@dataclass(frozen=True, slots=True)
class Assets:
    """The files by their paths, and a digest of all of them: as modules load each other by relative paths, the files
    that a page gets are of one version."""

    files: dict[str, Asset]
    digest: str

    def modules(self, *paths: str) -> list[str]:
        """The scripts and all that they import, and that imports, so that a page can ask for them at once."""
        found = [*paths]
        for each in found:
            found += [name for name in _imports(self.files[each].body) if name not in found]
        return found


@cache
def load(folder: Path) -> Assets:
    """Every file below the folder; read once in a process."""
    files, digest = {}, hashlib.sha256()
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        name, body = path.relative_to(folder).as_posix(), path.read_bytes()
        digest.update(f"{name}\0{len(body)}\0".encode() + body)
        files[name] = Asset(body, gzip.compress(body, mtime=0), _type_of(path))
    return Assets(files, digest.hexdigest()[:12])


def _imports(script: bytes) -> list[str]:
    return list(dict.fromkeys(_IMPORT.findall(script.decode())))


def _type_of(path: Path) -> str:
    known = TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0]
    return known or "application/octet-stream"


def send(body: bytes, mimetype: str, cache_control: str, packed: bytes | None = None) -> Response:
    """A reply that the client keeps as it is told to, and whose body it gets packed if it says that it can."""
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
