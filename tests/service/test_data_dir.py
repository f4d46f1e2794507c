from pathlib import Path

from service.data_dir import DataDir
from service.settings import Settings


def test_everything_has_a_place_of_its_own_in_the_directory() -> None:
    data = Settings(data_dir=Path("somewhere")).data
    paths = [getattr(data, name) for name, value in vars(DataDir).items() if isinstance(value, property)]
    places = [path for path in paths if isinstance(path, Path)]
    assert len(set(places)) == len(places) > 10
    assert all(path.is_relative_to("somewhere") and path != data.root for path in places)
    assert set(data.folders) < set(places)
