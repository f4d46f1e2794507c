"""Machine code in files that begin with a digest of it, so that damaged code is never run; knows no compiler."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path
from typing import Final

from durable import files
from durable.drafts import remove_dead_drafts

log = logging.getLogger(__name__)

_DIGEST_BYTES: Final = hashlib.sha256().digest_size


def sealed(code: bytes) -> bytes:
    """The code with its SHA-256 before it."""
    return hashlib.sha256(code).digest() + code


def unsealed(data: bytes) -> bytes:
    """The inverse of `sealed`. Raises ValueError for anything else."""
    digest, code = data[:_DIGEST_BYTES], data[_DIGEST_BYTES:]
    if hashlib.sha256(code).digest() != digest:
        raise ValueError("the code does not match its digest")
    return code


def read(path: Path) -> bytes | None:
    """The code in the file; None if it is missing, or damaged, which is logged."""
    try:
        return unsealed(files.read(path))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        log.warning("the kernel %s cannot be used and is compiled again: %s", path.name, _fault(error))
        return None


def keep(path: Path, code: bytes) -> None:
    """Write the file in one step; if that is not possible, it is logged."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_dead_drafts(path.parent)
        # 0600 whatever the umask: who can write to the file decides what the processes that load it execute.
        files.put(path, sealed(code), 0o600)
    except OSError as error:
        log.warning("the kernel %s is not kept, every process compiles it for itself: %s", path.name, _fault(error))


def _fault(error: Exception) -> str:
    """A message without the file's path."""
    return error.strerror or "it cannot be opened" if isinstance(error, OSError) else str(error)
