from pathlib import Path

from service.training.jobs import run_files


def test_json_that_a_power_cut_left_empty_counts_as_missing(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    assert run_files.read_json(path) is None
    path.touch()
    assert run_files.read_json(path) is None
    run_files.write_json(path, {"a": 1})
    assert run_files.read_json(path) == {"a": 1}
