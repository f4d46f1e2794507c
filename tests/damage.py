"""The ways in which a small file can be damaged, for tests of whatever reads one."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path


def overwrite(path: Path, data: bytes) -> None:
    """Write into the file, also into a version's, which only root may write."""
    path.chmod(0o644)
    path.write_bytes(data)


def _emptied(path: Path) -> None:
    overwrite(path, b"")


def _cut(path: Path) -> None:
    overwrite(path, path.read_bytes()[: path.stat().st_size // 2])


def _not_json(path: Path) -> None:
    overwrite(path, b"<html>502 Bad Gateway</html>")


def _not_utf8(path: Path) -> None:
    overwrite(path, b"\xff\xfe\x00\x80")


def _a_number(path: Path) -> None:
    overwrite(path, b"7")


def _a_list(path: Path) -> None:
    overwrite(path, b'["a", 1]')


def _wrong_fields(path: Path) -> None:
    overwrite(path, b'{"current": {"id": 3}, "released": "yes", "kind": []}')


def _deeply_nested(path: Path) -> None:
    overwrite(path, b"[" * 100_000)


def _a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()
    (path / "inside").write_text("x")


def _dangling(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.with_name("nowhere"))


def _looping(path: Path) -> None:
    """As a file that may not be read: the system refuses, to root as well."""
    path.unlink()
    path.symlink_to(path.name)


def _linked(path: Path) -> None:
    """To what it was, elsewhere: a link could lead out of the folder, to what is not for the service's users."""
    outside = Path(tempfile.mkdtemp(prefix="outside-"))
    atexit.register(shutil.rmtree, outside, ignore_errors=True)
    path.symlink_to(shutil.move(path, outside / path.name))


def _a_pipe(path: Path) -> None:
    """Reading it would never end."""
    path.unlink()
    os.mkfifo(path)


DAMAGES: dict[str, Callable[[Path], None]] = {
    each.__name__.removeprefix("_"): each
    for each in (
        _emptied,
        _cut,
        _not_json,
        _not_utf8,
        _a_number,
        _a_list,
        _wrong_fields,
        _deeply_nested,
        _a_folder,
        _dangling,
        _looping,
        _linked,
        _a_pipe,
    )
}

DAMAGES_OF_KEYS: list[str] = [name for name in DAMAGES if name != "linked"]
"""A secret that is mounted is a link, and is read."""
