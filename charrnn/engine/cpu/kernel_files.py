"""Machine code in files that begin with a digest of it and its name, so that neither damaged code nor another kernel is
ever run; knows no compiler."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path
from typing import Final

from durable import files
from durable.drafts import remove_dead_drafts
from durable.reading import message_of

log = logging.getLogger(__name__)

_DIGEST_BYTES: Final = hashlib.sha256().digest_size


def sealed(name: str, code: bytes) -> bytes:
    """The code of this name with the SHA-256 of both before it."""
    return _digest(name, code) + code


def unsealed(name: str, data: bytes) -> bytes:
    """The inverse of `sealed`. Raises ValueError for anything else, and for code of another name."""
    digest, code = data[:_DIGEST_BYTES], data[_DIGEST_BYTES:]
    if _digest(name, code) != digest:
        raise ValueError("the code does not match its digest")
    return code


def read(path: Path) -> bytes | None:
    """The code in the file; None if it is missing, or damaged, which is logged."""
    try:
        return unsealed(path.name, files.read(path))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        log.warning("the kernel %s cannot be used and is compiled again: %s", path.name, message_of(error))
        return None


def keep(path: Path, code: bytes) -> None:
    """Write the file in one step; if that is not possible, it is logged."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_dead_drafts(path.parent)
        # 0600 whatever the umask: who can write to the file decides what the processes that load it execute.
        files.put(path, sealed(path.name, code), 0o600)
    except OSError as error:
        log.warning("the kernel %s is not kept, every process compiles it for itself: %s", path.name, message_of(error))


def _digest(name: str, code: bytes) -> bytes:
    return hashlib.sha256(f"{name}\0".encode() + code).digest()
