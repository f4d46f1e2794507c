"""A store of objects in an S3 bucket, or in any server that knows conditional writes (`If-None-Match`, `If-Match`).

Every write carries a nonce, in the object's metadata. A conditional write whose answer was lost is repeated, and then
refused because of itself: the nonce tells. A swap keeps the nonces of the writes before it, so that a writer recognises
its own although others have written since.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, PreconditionError
from obstore.store import S3Store

from durable import files
from durable.drafts import draft
from durable.objects import (
    Content,
    ObjectChangedError,
    ObjectDamagedError,
    ObjectExistsError,
    ObjectInfo,
    ObjectMissingError,
    ObjectTooLargeError,
    check_key,
    is_key,
)
from durable.s3_clients import MEGABYTE
from durable.s3_errors import status_of
from durable.s3_requests import PATIENCE, S3Requests

if TYPE_CHECKING:
    from obstore import Attributes, GetOptions, PutMode
    from obstore.store import S3Config

PIECE: Final = 8 * MEGABYTE
"""What is read with one request, and the size from which a file is sent from the page cache, without ever being in the
process's own memory as a whole."""

LARGEST: Final = 5 << 30
"""In bytes: more cannot be written with one request, and so not under a condition."""

PAGE: Final = 1000
"""As many objects a server lists with one request."""

NONCES: Final = 24
"""How many writes an object remembers."""

CHAINS: Final = 4096
"""Of how many objects the nonces are kept in memory, which saves a request before a swap."""


@dataclass(frozen=True, slots=True)
class _Found:
    """The answer for an object: its nonces, the newest first, its SHA-256 if it was put here, and its content if that
    is small."""

    etag: str
    size: int
    nonces: str
    digest: str
    data: bytes | None


class S3Objects:
    """The objects in a bucket whose keys begin with `prefix` and a slash, as `Objects` describes it. `settings` come
    before the AWS_* variables; a request that fails is repeated for `patience` seconds. Raises StoreSettingsError.

    Not to be used before a process is forked that uses it too.
    """

    def __init__(
        self, bucket: str, prefix: str = "", settings: S3Config | None = None, patience: float = PATIENCE
    ) -> None:
        self._requests = S3Requests(bucket, prefix, settings or {}, patience)
        self._nonces: dict[str, tuple[str, str]] = {}

    def __str__(self) -> str:
        return str(self._requests)

    def get(self, key: str) -> Content:
        found = self._found(key)
        data = b"".join(self._pieces(key, found))
        self._note(key, found.etag, found.nonces)
        return Content(data, found.etag)

    def look(self, key: str) -> ObjectInfo:
        check_key(key)
        try:
            meta = self._requests.ask("read", lambda client: obstore.head(client, key), key)
        except ObjectMissingError:  # or there is no bucket, which an answer without a body does not say
            found = self._found(key)
            return ObjectInfo(key, found.etag, found.size)
        return ObjectInfo(key, meta["e_tag"] or "", meta["size"])

    def get_range(self, key: str, start: int, stop: int) -> bytes:
        if start >= stop:
            self.look(key)
            return b""

        def read(client: S3Store) -> bytes:
            try:
                return bytes(obstore.get_range(client, key, start=start, end=stop))
            except BaseError as error:
                if status_of(error) == 416:  # it ends before
                    return b""
                raise

        check_key(key)
        return self._requests.ask("read", read, key, stop - start)

    def fetch(self, key: str, path: Path) -> ObjectInfo:
        found = self._found(key)
        with draft(path.parent) as new:
            for piece in self._pieces(key, found):
                new.file.write(piece)
            new.put(path)
        return ObjectInfo(key, found.etag, found.size)

    def put(self, key: str, data: bytes) -> str:
        return self._write(key, data, secrets.token_hex(8), "overwrite")

    def put_new(self, key: str, data: bytes) -> str:
        return self._create(key, data)

    def put_new_file(self, key: str, path: Path) -> str:
        with files.opened(path) as file:
            return self._create(key, _content(key, file))

    def swap(self, key: str, data: bytes, etag: str) -> str:
        before = self._nonces_before(key, etag)
        nonce = secrets.token_hex(8)
        try:
            return self._write(key, data, " ".join([nonce, *before.split()][:NONCES]), {"e_tag": etag})
        except (PreconditionError, ObjectMissingError):
            if (own := self._own(key, nonce, data)) is None:
                raise ObjectChangedError(key) from None
            return own

    def list(self, prefix: str, after: str = "") -> Iterator[ObjectInfo]:
        folder = prefix.rpartition("/")[0]
        found = (each for each in self._listed(folder, _earlier(folder, after)) if each.key.startswith(prefix))
        yield from sorted((each for each in found if each.key > after), key=lambda each: each.key)

    def delete(self, key: str) -> None:
        check_key(key)
        try:
            self._requests.ask("delete", lambda client: obstore.delete(client, key), key)
        except ObjectMissingError:
            return

    def _found(self, key: str, *, content: bool = True) -> _Found:
        check_key(key)

        def read(client: S3Store) -> _Found:
            result = obstore.get(client, key, options={"head": not content})
            meta, attributes = result.meta, result.attributes
            data = bytes(result.bytes()) if content and meta["size"] < MEGABYTE else None
            nonces, digest = attributes.get("nonces", ""), attributes.get("sha256", "")
            return _Found(meta["e_tag"] or "", meta["size"], nonces, digest, data)

        return self._requests.ask("read", read, key)

    def _pieces(self, key: str, found: _Found) -> Iterator[bytes]:
        """The content, piece by piece. Raises ObjectDamagedError at its end."""
        digest, size = hashlib.sha256(), 0
        for piece in [found.data] if found.data is not None else self._read(key, found):
            digest.update(piece)
            size += len(piece)
            yield piece
        if size != found.size:
            raise ObjectDamagedError(key, f"is cut short: {size} bytes of {found.size}")
        if found.digest and digest.hexdigest() != found.digest:
            raise ObjectDamagedError(key, f"has the SHA-256 {digest.hexdigest()} instead of {found.digest}")

    def _read(self, key: str, found: _Found) -> Iterator[bytes]:
        for start in range(0, found.size, PIECE):

            def read(client: S3Store, start: int = start) -> bytes:
                options: GetOptions = {"range": (start, start + PIECE), "if_match": found.etag}
                return bytes(obstore.get(client, key, options=options).bytes())

            try:
                yield self._requests.ask("read", read, key, PIECE)
            except PreconditionError:
                raise ObjectDamagedError(key, "was changed while it was read") from None

    def _create(self, key: str, data: bytes | mmap.mmap) -> str:
        nonce = secrets.token_hex(8)
        try:
            return self._write(key, data, nonce, "create")
        except (AlreadyExistsError, PreconditionError):
            if (own := self._own(key, nonce, data)) is None:
                raise ObjectExistsError(key) from None
            return own

    def _write(self, key: str, data: bytes | mmap.mmap, nonces: str, mode: PutMode) -> str:
        check_key(key)
        attributes: Attributes = {
            "Content-Type": "application/octet-stream",
            "nonces": nonces,
            "sha256": hashlib.sha256(data).hexdigest(),
        }

        def write(client: S3Store) -> str:
            done = obstore.put(client, key, data, attributes=attributes, mode=mode, use_multipart=False)
            return done["e_tag"] or ""

        etag = self._requests.ask("write", write, key, len(data))
        self._note(key, etag, nonces)
        return etag

    def _own(self, key: str, nonce: str, data: bytes | mmap.mmap) -> str | None:
        """The e-tag of the write with this nonce, if it has succeeded, though others may have written since."""
        try:
            found = self._found(key, content=False)
        except ObjectMissingError:
            return None
        if found.nonces.startswith(nonce):
            return found.etag
        return f'"{hashlib.md5(data, usedforsecurity=False).hexdigest()}"' if nonce in found.nonces.split() else None

    def _nonces_before(self, key: str, etag: str) -> str:
        """The nonces of the object that is to be swapped. Whether it still has this e-tag, the server says then."""
        noted = self._nonces.get(key)
        if noted is None or noted[0] != etag:
            try:
                found = self._found(key, content=False)
            except ObjectMissingError:
                return ""
            noted = (found.etag, found.nonces)
        return noted[1] if noted[0] == etag else ""

    def _note(self, key: str, etag: str, nonces: str) -> None:
        if len(self._nonces) >= CHAINS:
            self._nonces.clear()
        self._nonces[key] = (etag, nonces)

    def _listed(self, folder: str, after: str) -> Iterator[ObjectInfo]:
        """The objects in the folder, in the server's order: SeaweedFS has `a/b` before `a.b`. A page each time, so that
        one that fails is asked for again, and not all."""
        while True:

            def page(client: S3Store, after: str = after) -> list[ObjectInfo]:
                shown = next(iter(obstore.list(client, folder or None, offset=after or None, chunk_size=PAGE)), ())
                return [ObjectInfo(each["path"], each["e_tag"] or "", each["size"]) for each in shown]

            found = self._requests.ask("list", page, f"{folder}/")
            yield from (each for each in found if is_key(each.key))
            if len(found) < PAGE:
                return
            after = found[-1].key


def _content(key: str, file: BinaryIO) -> bytes | mmap.mmap:
    """What is in the file. It is not unmapped here: a request that came to no end may still have a part of it."""
    size = os.fstat(file.fileno()).st_size
    if size > LARGEST:
        raise ObjectTooLargeError(key, size, LARGEST)
    return file.read() if size < PIECE else mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def _earlier(folder: str, after: str) -> str:
    """A key from which the server may begin to list, whichever order it has: in both it is before all keys that come
    after `after`. A name that is the beginning of another comes before it, but `a/b`, of the folder `a`, may come
    before or after `a.b`: the name is cut where that begins to matter, and once more."""
    start = f"{folder}/" if folder else ""
    if not after.startswith(start):
        return ""
    name = after.removeprefix(start).partition("/")[0]
    cut = next((at for at, character in enumerate(name) if character < "/"), len(name)) - 1
    return start + name[:cut] if cut > 0 else ""
