"""Whether a file system can be written: by the error of a write that failed, or before any write; what else passes."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from durable.objects import StoreUnavailableError

FULL: Final = (errno.ENOSPC, errno.EDQUOT)
SCARCE: Final = (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS)
"""The errors of a process or system that has no descriptors or no memory left."""
LITTLE: Final = 64 << 10
"""In bytes: with less free space than this, even small files cannot be relied on."""


def reason_of(error: OSError) -> str:
    """Why a call failed, in the system's words, or the store's."""
    return error.strerror or str(error) or type(error).__name__


def is_short(error: BaseException) -> bool:
    """Whether a write failed because the disk is full, out of inodes, over its quota or read-only: the same write will
    succeed once this has been mended."""
    return isinstance(error, OSError) and error.errno in (*FULL, errno.EROFS)


def passes(error: BaseException) -> bool:
    """Whether the same call will succeed later: there is no space, descriptor or memory left for it at the moment, or
    a store of objects does not answer."""
    is_away = isinstance(error, StoreUnavailableError)
    return is_away or is_short(error) or (isinstance(error, OSError) and error.errno in SCARCE)


def shortage(folders: Iterable[Path]) -> str:
    """Why the file system of one of these folders cannot be written: `full`, `out of inodes` or `read-only`; empty if
    they can be, or if there are no such folders."""
    for folder in folders:
        try:
            found = _shortage(os.statvfs(folder)) or _fault(folder)
        except OSError:
            continue
        if found:
            return found
    return ""


def _shortage(system: os.statvfs_result) -> str:
    if system.f_flag & os.ST_RDONLY:
        return "read-only"
    is_root = os.geteuid() == 0  # a part is reserved for root
    if (system.f_bfree if is_root else system.f_bavail) * system.f_frsize < LITTLE:
        return "full"
    if system.f_files and not (system.f_ffree if is_root else system.f_favail):
        return "out of inodes"
    return ""


def _fault(folder: Path) -> str:
    """Whether Linux has made the file system read-only after a fault: since 6.15, `statvfs` does not say so for ext4,
    but a change is refused, even one that changes nothing."""
    if sys.platform == "linux":
        try:
            os.removexattr(folder, "user.charrnn.none")
        except OSError as error:
            return "read-only" if error.errno == errno.EROFS else ""
    return ""
