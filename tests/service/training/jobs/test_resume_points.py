from pathlib import Path

from service.training.jobs import resume_points


def test_the_newest_two_resume_points_are_kept(tmp_path: Path) -> None:
    for step in (5, 10, 1_000_000_000):
        (tmp_path / resume_points.name_of(step)).write_bytes(resume_points.sealed(b"%d" % step))
        resume_points.drop_old(tmp_path)
    assert list(resume_points.read(tmp_path)) == [b"1000000000", b"10"]
    assert resume_points.newest_step(tmp_path) == 1_000_000_000


def test_a_damaged_resume_point_falls_back_to_the_other(tmp_path: Path) -> None:
    for step in (5, 10):
        (tmp_path / resume_points.name_of(step)).write_bytes(resume_points.sealed(b"state %d" % step))
    newest = tmp_path / resume_points.name_of(10)
    newest.write_bytes(newest.read_bytes()[:-1] + b"?")
    assert list(resume_points.read(tmp_path)) == [b"state 5"]
    newest.write_bytes(b"")
    assert list(resume_points.read(tmp_path)) == [b"state 5"]
