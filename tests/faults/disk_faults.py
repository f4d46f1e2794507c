"""The disk is full, out of inodes, or read-only: a small file system in memory, mounted at DATA_DIR."""

from __future__ import annotations

import errno
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from random import Random
from typing import Final

from tests.disk import mount, read_only, unmount
from tests.faults.fault import Fault
from tests.faults.site import Site

SIZE: Final = "128m"
INODES: Final = 20_000
SECONDS: Final = (4.0, 20.0)
WRITING: Final = frozenset({"upload", "delete", "train", "publish", "promote"})
"""The requests that write, which may be refused meanwhile."""
REFILL_SECONDS: Final = 0.02
FILLER: Final = "filler"
PAGE: Final = 4096


class DiskSite(Site):
    """A service whose data directory is a file system of its own."""

    def __init__(self, folder: Path, **settings: str) -> None:
        data = folder / "data"
        data.mkdir()
        mount("-t", "tmpfs", "-o", f"size={SIZE},nr_inodes={INODES}", "tmpfs", str(data))
        try:
            super().__init__(folder, **settings)
        except BaseException:
            unmount(data)
            raise

    def end(self) -> int:
        """The file system, too."""
        try:
            return super().end()
        finally:
            unmount(self.data_dir)


@cache
def can_mount() -> bool:
    """Whether this user may mount a file system here."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            mount("-t", "tmpfs", "tmpfs", folder)
        except OSError:
            return False
        unmount(Path(folder))
        return True


@contextmanager
def _full(site: Site, random: Random) -> Iterator[None]:
    """No byte is free, and what others free is taken at once."""
    path = site.data_dir / FILLER
    with path.open("wb", buffering=0) as file, _taking(lambda size: file.write(bytes(size))):
        yield
    path.unlink()


@contextmanager
def _out_of_inodes(site: Site, random: Random) -> Iterator[None]:
    """No further file can be created."""
    folder, count = site.data_dir / FILLER, iter(range(10**9))
    folder.mkdir()
    with _taking(lambda _: (folder / str(next(count))).touch()):
        yield
    shutil.rmtree(folder)


@contextmanager
def _taking(take: Callable[[int], object]) -> Iterator[None]:
    """A context in which all that is left is taken: bytes, or whatever `take` takes each time."""
    over = threading.Event()

    def all_of_it() -> None:
        for size in (PAGE * 256, PAGE):
            try:
                while not over.is_set():
                    take(size)
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise

    def again_and_again() -> None:
        while not over.wait(REFILL_SECONDS):
            all_of_it()

    all_of_it()
    thread = threading.Thread(target=again_and_again, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@contextmanager
def _read_only(site: Site, random: Random) -> Iterator[None]:
    """Whatever is opened by its path can only be read. What is open already can still be written, as Redis does."""
    with read_only(site.data_dir, site.data_dir.with_name("read-only")):
        yield


def of_disk(lengths: tuple[float, ...] = SECONDS) -> list[Fault[Site]]:
    """Each, of each length."""
    kinds = {
        "the disk full": (_full, "disk"),
        "the disk out of inodes": (_out_of_inodes, "disk"),
        "the disk read-only": (_read_only, "read-only"),
    }
    return [
        Fault(f"{name} for {seconds:g} s", "disk", inflict, seconds, refuses=WRITING, degraded=degraded)
        for name, (inflict, degraded) in kinds.items()
        for seconds in lengths
    ]
