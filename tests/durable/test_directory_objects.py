from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from durable.directory_objects import LARGE, DirectoryObjects
from durable.drafts import draft
from durable.objects import InvalidKeyError, ObjectMissingError

ROOT = Path(__file__).parents[2]
COUNTS = """\
import sys
from pathlib import Path
from durable.directory_objects import DirectoryObjects
from durable.objects import ObjectChangedError
objects, done = DirectoryObjects(Path(sys.argv[1])), 0
while done < 50:
    found = objects.get("counter")
    try:
        objects.swap("counter", b"%d" % (int(found.data) + 1), found.etag)
        done += 1
    except ObjectChangedError:
        pass
"""


def test_an_object_is_a_file(tmp_path: Path) -> None:
    objects = DirectoryObjects(tmp_path)
    objects.put("models/a/aliases.json", b"{}")
    (tmp_path / "models" / "a" / "1.bin").write_bytes(b"1")
    assert (tmp_path / "models" / "a" / "aliases.json").read_bytes() == b"{}"
    assert objects.get("models/a/1.bin").data == b"1"


def test_what_is_not_whole_or_not_a_file_is_no_object(tmp_path: Path) -> None:
    objects = DirectoryObjects(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("/etc/hostname")
    with draft(tmp_path / "folder") as new:
        new.file.write(b"half")
        assert list(objects.list("")) == []
    with pytest.raises(OSError, match="symbolic link"):
        objects.get("link")
    with pytest.raises(InvalidKeyError):
        objects.put("folder", b"")
    objects.delete("folder")
    assert (tmp_path / "folder").is_dir()


def test_a_large_file_that_is_replaced_has_another_etag(tmp_path: Path) -> None:
    objects = DirectoryObjects(tmp_path)
    first = objects.put("a", bytes(LARGE))
    assert objects.look("a").etag == objects.look("a").etag == first
    second = objects.put("a", bytes(LARGE + 1))
    assert objects.look("a").etag == second != first
    objects.delete("a")
    with pytest.raises(ObjectMissingError):
        objects.look("a")


def test_swaps_of_several_processes_lose_nothing(tmp_path: Path) -> None:
    objects = DirectoryObjects(tmp_path)
    objects.put("counter", b"0")
    command = [sys.executable, "-c", COUNTS, str(tmp_path)]
    processes = [subprocess.Popen(command, cwd=ROOT) for _ in range(3)]
    assert [process.wait() for process in processes] == [0, 0, 0]
    assert objects.get("counter").data == b"150"
