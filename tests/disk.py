"""A disk that is full or read-only, for tests of whatever writes files."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """A limit, in bytes, on the files of this process: writing beyond it fails as a full disk does, halfway."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[Callable[[str], None]]:
    """A file system in memory, mounted at the folder with these options, such as `size=1m`; the function mounts it
    again with other ones, such as `ro`. The test is skipped where mounting is not permitted."""
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        pytest.skip(f"there is no mount: {error.strerror}")
    if done.returncode:
        pytest.skip(f"mounting is not permitted here: {done.stderr.strip()}")

    def remount(options: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{options}", str(folder)], check=True)

    try:
        yield remount
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@contextmanager
def faulty(folder: Path) -> Iterator[Callable[[], None]]:
    """An ext4 file system, mounted at the folder; the function gives it a fault, after which Linux makes it read-only.
    The test is skipped where that is not permitted."""
    image = folder.with_name(f"{folder.name}.image")
    with image.open("wb") as file:
        file.truncate(4 << 20)
    for command in (["mkfs.ext4", "-q"], ["mount", "-o", "loop,errors=remount-ro"]):
        arguments = [*command, str(image), *([str(folder)] if command[0] == "mount" else [])]
        try:
            subprocess.run(arguments, capture_output=True, check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            pytest.skip(f"{command[0]} is not possible here: {error}")
    device = folder.stat().st_dev
    name = Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}").resolve().name
    try:
        yield lambda: _write_to(Path("/sys/fs/ext4", name, "trigger_fs_error"))
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def _write_to(file: Path) -> None:
    file.write_text("a fault on purpose", encoding="ascii")


@contextmanager
def no_descriptors() -> Iterator[None]:
    """A limit on this process: it can open no further file."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
