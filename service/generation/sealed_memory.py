"""Memory that processes of one machine share and that nothing can change any more, as a file that is mapped can be
changed or cut off: then a process that reads it computes something else, or dies.

It is a memfd with all seals (memfd_create(2)). A process finds another one's by a link to its descriptor, which is void
when that process has ended; then it makes its own.
"""

from __future__ import annotations

import fcntl
import hashlib
import mmap
import os
import weakref
from contextlib import suppress
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from durable.drafts import PREFIX

Memory = npt.NDArray[np.uint8]

_SEALS: Final = sum(getattr(fcntl, f"F_SEAL_{name}", 0) for name in ("SEAL", "SHRINK", "GROW", "WRITE"))


def sealed(data: Memory, link: Path) -> Memory:
    """A sealed copy of the data, read-only, to which `link` leads from now on. Where there is no such memory, a copy of
    this process's own; where there can be no link, no other process finds it."""
    if not hasattr(os, "memfd_create"):
        return _private(data)
    try:
        descriptor = os.memfd_create(link.name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    except OSError:
        return _private(data)
    try:
        _write(descriptor, data)
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, _SEALS)
        memory = mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError):
        os.close(descriptor)
        return _private(data)
    weakref.finalize(memory, os.close, descriptor)  # it must stay open for those that follow the link
    with suppress(OSError):
        _lead(link, Path(f"/proc/{os.getpid()}/fd/{descriptor}"))
    return np.frombuffer(memory, dtype=np.uint8)


def found(link: Path, digest: str) -> Memory | None:
    """The sealed memory to which the link leads, if it has this SHA-256."""
    try:
        descriptor = os.open(link, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        if fcntl.fcntl(descriptor, fcntl.F_GET_SEALS) != _SEALS:
            return None
        memory = np.frombuffer(mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ), dtype=np.uint8)
    except (OSError, ValueError, AttributeError):
        return None
    finally:
        os.close(descriptor)
    return memory if hashlib.sha256(memory.data).hexdigest() == digest else None


def _write(descriptor: int, data: Memory) -> None:
    left = data.data
    while left:
        left = left[os.write(descriptor, left) :]


def _private(data: Memory) -> Memory:
    """A copy that begins at a page, as mapped memory does."""
    whole = np.empty(data.size + mmap.PAGESIZE, dtype=np.uint8)
    start = -whole.ctypes.data % mmap.PAGESIZE
    copy = whole[start : start + data.size]
    copy[:] = data
    copy.flags.writeable = False
    return copy


def _lead(link: Path, target: Path) -> None:
    """Let the link lead to the target from now on, in one step."""
    new = link.with_name(f"{PREFIX}{os.getpid()}-{link.name}"[:200])
    new.unlink(missing_ok=True)
    new.symlink_to(target)
    new.replace(link)
