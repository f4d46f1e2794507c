import os
import stat
from pathlib import Path

import pytest

from service.data_dir import DataDir
from service.settings import Settings


def test_everything_has_a_place_of_its_own_in_the_directory() -> None:
    data = Settings(data_dir=Path("somewhere")).data
    paths = [getattr(data, name) for name, value in vars(DataDir).items() if isinstance(value, property)]
    places = [path for path in paths if isinstance(path, Path)]
    assert len(set(places)) == len(places) > 10
    assert all(path.is_relative_to("somewhere") and path != data.root for path in places)
    assert set(data.folders) < set(places)


@pytest.mark.parametrize("umask", [0, 0o022, 0o077])
def test_what_is_made_is_for_its_user_only(tmp_path: Path, umask: int) -> None:
    data = Settings(data_dir=tmp_path / "some" / "where").data
    before = os.umask(umask)
    try:
        data.make()
    finally:
        os.umask(before)
    assert {stat.S_IMODE(path.stat().st_mode) for path in (data.root, *data.folders)} == {0o700}


def test_what_is_there_keeps_its_permissions(tmp_path: Path) -> None:
    data = Settings(data_dir=tmp_path / "volume").data
    data.root.mkdir()
    data.root.chmod(0o770)
    data.packed.write_text("a file")
    data.make()
    assert stat.S_IMODE(data.root.stat().st_mode) == 0o770
    assert data.packed.is_file() and data.run.is_dir()
