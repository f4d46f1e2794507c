from pathlib import Path

from pydantic import TypeAdapter

from service.training.jobs import run_files

NUMBERS = TypeAdapter(dict[str, int])


def test_json_that_a_power_cut_left_empty_counts_as_missing(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    assert run_files.read_shaped(path, NUMBERS) is None
    path.touch()
    assert run_files.read_shaped(path, NUMBERS) is None
    run_files.write_json(path, {"a": 1})
    assert run_files.read_shaped(path, NUMBERS) == {"a": 1}
