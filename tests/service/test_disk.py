from __future__ import annotations

from pathlib import Path

from service.data_dir import DataDir
from service.disk import DiskWatch


def test_a_shortage_is_named_with_its_beginning_until_it_is_over(tmp_path: Path) -> None:
    now, shortage = 0.0, ""
    watch = DiskWatch(DataDir(tmp_path), lambda: shortage, lambda: now)
    assert watch.found() == []
    shortage = "full"
    first = watch.found()
    assert first[0].startswith("disk: full since 1970-01-01T00:00:00")
    now = 60.0
    assert watch.found() == first
    shortage = "read-only"
    assert watch.found()[0].startswith("disk: read-only since 1970-01-01T00:01:00")
    shortage = ""
    assert watch.found() == DiskWatch(DataDir(tmp_path)).found() == []
