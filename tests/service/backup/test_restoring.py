"""What is restored is whole; nothing else is."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from hashlib import sha256
from pathlib import Path

import pytest

from service import data_format
from service.backup.archive import CONTENTS, ArchiveError, ArchiveWriter
from service.backup.restoring import NotEmptyError, restore
from service.data_dir import DataDir
from service.data_format import DataFormatError
from service.processes.preflight import StartError, lock

NAME = "models/m/1.safetensors"


def archive(*names: str, format: int = 1) -> bytes:
    file = io.BytesIO()
    writer = ArchiveWriter(file, format, "2026-01-01T00:00:00.000Z")
    for name in names:
        writer.add_bytes(name, b"weights" * 1000, 1.5)
    writer.close()
    return file.getvalue()


def odd(info: tarfile.TarInfo, data: bytes = b"") -> bytes:
    """An archive with this member and the digest of it."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        info.size = len(data)
        tar.addfile(info, io.BytesIO(data))
        files = {info.name: sha256(data).hexdigest()}
        contents = json.dumps({"format": 1, "began": "", "files": files}).encode()
        last = tarfile.TarInfo(CONTENTS)
        last.size = len(contents)
        tar.addfile(last, io.BytesIO(contents))
    return file.getvalue()


def member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    return DataDir(tmp_path / "new" / "data")


def is_empty(data: DataDir) -> bool:
    return not any(path.is_file() or path.is_symlink() for path in data.root.rglob("*"))


@pytest.mark.parametrize("compress", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_a_whole_one(data: DataDir, compress: type[bytes]) -> None:
    assert restore(io.BytesIO(compress(archive(NAME))), data)["files"].keys() == {NAME}
    lock(data).close()
    path = data.root / NAME
    assert (path.read_bytes(), path.stat().st_mtime, path.stat().st_mode & 0o777) == (b"weights" * 1000, 1.5, 0o444)


def test_the_later_copy_of_a_file_counts(data: DataDir) -> None:
    file = io.BytesIO()
    writer = ArchiveWriter(file, 1, "")
    for content in (b"first", b"second"):
        writer.add_bytes(NAME, content, 0)
    writer.close()
    restore(io.BytesIO(file.getvalue()), data)
    assert (data.root / NAME).read_bytes() == b"second"


@pytest.mark.parametrize("share", [0, 0.01, 0.1, 0.3, 0.5, 0.7, 0.76, 0.9])
@pytest.mark.parametrize("compress", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_a_part_of_one(data: DataDir, share: float, compress: type[bytes]) -> None:
    whole = archive(NAME, "keys.json")
    part = compress(whole[: int(len(whole.rstrip(b"\0")) * share)])
    with pytest.raises(ArchiveError):
        restore(io.BytesIO(part), data)
    assert is_empty(data)
    restore(io.BytesIO(whole), data)


def test_a_flipped_bit(data: DataDir) -> None:
    whole = bytearray(archive(NAME))
    whole[whole.find(b"weights") + 100] ^= 1
    with pytest.raises(ArchiveError, match=f"{NAME} is missing or damaged"):
        restore(io.BytesIO(whole), data)
    assert is_empty(data)


@pytest.mark.parametrize(
    "info",
    [
        member("/etc/passwd"),
        member("."),
        member("models/../../outside"),
        member("../outside"),
        member("models/./m"),
        member("models//m"),
        member("models"),
        member("redis/appendonly"),
        member("kernels/code.o"),
        member("run/supervisor.conf"),
        member("format"),
        member("models/m", tarfile.SYMTYPE, "/etc"),
        member("models/m", tarfile.LNKTYPE, "keys.json"),
        member("models/m", tarfile.FIFOTYPE),
        member("models/m", tarfile.CHRTYPE),
        member("models/m", tarfile.DIRTYPE),
    ],
    ids=lambda info: f"{info.name} {info.type.decode()}",
)
def test_a_hostile_one(data: DataDir, info: tarfile.TarInfo) -> None:
    with pytest.raises(ArchiveError):
        restore(io.BytesIO(odd(info)), data)
    assert is_empty(data) and not (data.root.parent / "outside").exists()


@pytest.mark.parametrize("name", ["models/m/1.safetensors", "keys.json", "run/lock", ".damaged-x", "format"])
def test_only_an_empty_directory_is_filled(data: DataDir, name: str) -> None:
    (data.root / name).parent.mkdir(parents=True)
    (data.root / name).write_text("mine")
    with pytest.raises(NotEmptyError, match=f"is not empty .*{name.partition('/')[0]}"):
        restore(io.BytesIO(archive(NAME)), data)
    assert (data.root / name).read_text() == "mine"


def test_volumes_are_filled(data: DataDir) -> None:
    for name in ("models", "corpora", "runs", "lost+found", "models/lost+found"):
        (data.root / name).mkdir(parents=True)
    (data.root / "lost+found" / "1").write_text("")
    restore(io.BytesIO(archive(NAME)), data)
    assert (data.root / NAME).is_file() and (data.root / "lost+found" / "1").is_file()


def test_the_backup_of_a_newer_release(data: DataDir) -> None:
    with pytest.raises(DataFormatError, match="format 2"):
        restore(io.BytesIO(archive(NAME, format=2)), data)
    assert is_empty(data)


def test_no_service_starts_on_half_of_one(data: DataDir) -> None:
    data.root.mkdir(parents=True)
    data_format.begin_restore(data.format)
    with pytest.raises(StartError, match="incomplete"):
        lock(data)
    with pytest.raises(NotEmptyError, match="it has format"):
        restore(io.BytesIO(archive(NAME)), data)
