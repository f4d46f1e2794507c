"""A disk that is full or read-only, for tests of whatever writes files."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

BUSY: Final = "busy"
WRITERS_SECONDS: Final = 20.0
"""A file system cannot become read-only while somebody has a file open for writing: how long that may take."""


def mount(*arguments: str) -> None:
    """Raises an OSError that says what `mount` says, or that there is none."""
    _run("mount", *arguments)


def unmount(folder: Path) -> None:
    """Also while processes still have files open in it."""
    _run("umount", "--lazy", str(folder))


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | {"LC_ALL": "C"})
    if done.returncode:
        raise OSError(f"{' '.join(command)}: {done.stderr.strip() or done.returncode}")


@contextmanager
def read_only(folder: Path, elsewhere: Path) -> Iterator[None]:
    """Whatever is opened below the folder by its path can only be read; what is open already can still be written.

    The view of it that is mounted there becomes read-only at another place before: at its own, whoever opened a file
    for writing in between would prevent that.
    """
    elsewhere.mkdir()
    mount("--bind", str(folder), str(elsewhere))
    try:
        mount("-o", "remount,bind,ro", str(elsewhere))
        mount("--bind", str(elsewhere), str(folder))
    finally:
        unmount(elsewhere)
        elsewhere.rmdir()
    try:
        yield
    finally:
        unmount(folder)


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
    try:
        mount("-t", "tmpfs", "-o", options, "tmpfs", str(folder))
    except OSError as error:
        pytest.skip(f"mounting is not possible here: {error}")
    try:
        yield lambda options: _remount(folder, options)
    finally:
        unmount(folder)


def _remount(folder: Path, options: str) -> None:
    deadline = time.monotonic() + WRITERS_SECONDS
    while True:
        try:
            return mount("-o", f"remount,{options}", str(folder))
        except OSError as error:
            if BUSY not in str(error) or time.monotonic() > deadline:
                raise
        time.sleep(0.05)


@contextmanager
def faulty(folder: Path) -> Iterator[Callable[[], None]]:
    """An ext4 file system, mounted at the folder; the function gives it a fault, after which Linux makes it read-only.
    The test is skipped where that is not permitted."""
    image = folder.with_name(f"{folder.name}.image")
    with image.open("wb") as file:
        file.truncate(4 << 20)
    try:
        _run("mkfs.ext4", "-q", str(image))
        mount("-o", "loop,errors=remount-ro", str(image), str(folder))
    except OSError as error:
        pytest.skip(f"that is not possible here: {error}")
    try:
        device = folder.stat().st_dev
        name = Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}").resolve().name
        yield lambda: _write_to(Path("/sys/fs/ext4", name, "trigger_fs_error"))
    finally:
        unmount(folder)


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
