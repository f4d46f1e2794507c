from pathlib import Path

from service.training import run_files


def test_events_have_growing_ids_from_which_one_can_go_on(tmp_path: Path) -> None:
    for step in range(3):
        run_files.append_event(tmp_path, "metrics", {"step": step})
    events = list(run_files.read_events(tmp_path))
    assert [(event.kind, event.data["step"]) for event in events] == [("metrics", 0), ("metrics", 1), ("metrics", 2)]
    assert sorted({event.id for event in events}) == [event.id for event in events]
    for i, event in enumerate(events):
        assert list(run_files.read_events(tmp_path, after=event.id)) == events[i + 1 :]


def test_a_torn_line_is_not_read_and_is_cut_off_by_the_next_writer(tmp_path: Path) -> None:
    run_files.append_event(tmp_path, "metrics", {"step": 1})
    path = tmp_path / run_files.EVENTS
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"kind": "metr')
    assert [event.data["step"] for event in run_files.read_events(tmp_path)] == [1]
    run_files.mend_events(tmp_path)
    assert path.read_bytes() == whole
    run_files.append_event(tmp_path, "metrics", {"step": 2})
    assert [event.data["step"] for event in run_files.read_events(tmp_path)] == [1, 2]


def test_no_events_without_a_log(tmp_path: Path) -> None:
    assert list(run_files.read_events(tmp_path)) == []
    run_files.mend_events(tmp_path)


def test_an_event_in_the_middle_that_is_damaged_is_passed_over(tmp_path: Path) -> None:
    run_files.append_event(tmp_path, "metrics", {"step": 1})
    with (tmp_path / run_files.EVENTS).open("ab") as file:
        file.write(b"\0\0\0\n[]\n")
    run_files.append_event(tmp_path, "metrics", {"step": 2})
    assert [event.data["step"] for event in run_files.read_events(tmp_path)] == [1, 2]


def test_the_newest_two_resume_points_are_kept(tmp_path: Path) -> None:
    for step in (5, 10, 1_000_000_000):
        (tmp_path / run_files.resume_name(step)).write_bytes(run_files.sealed(b"%d" % step))
        run_files.drop_old_resume_points(tmp_path)
    assert list(run_files.read_resume_points(tmp_path)) == [b"1000000000", b"10"]
    assert run_files.newest_step(tmp_path) == 1_000_000_000


def test_a_damaged_resume_point_falls_back_to_the_other(tmp_path: Path) -> None:
    for step in (5, 10):
        (tmp_path / run_files.resume_name(step)).write_bytes(run_files.sealed(b"state %d" % step))
    newest = tmp_path / run_files.resume_name(10)
    newest.write_bytes(newest.read_bytes()[:-1] + b"?")
    assert list(run_files.read_resume_points(tmp_path)) == [b"state 5"]
    newest.write_bytes(b"")
    assert list(run_files.read_resume_points(tmp_path)) == [b"state 5"]


def test_json_that_a_power_cut_left_empty_counts_as_missing(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    assert run_files.read_json(path) is None
    path.touch()
    assert run_files.read_json(path) is None
    run_files.write_json(path, {"a": 1})
    assert run_files.read_json(path) == {"a": 1}
