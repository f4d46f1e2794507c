from __future__ import annotations

import fcntl
import stat
import tempfile
import threading
from pathlib import Path

from service.processes.metrics_folder import LOCK, MetricsFolder, folder_for, heartbeat_folder
from service.settings import Settings
from tests.waiting import LONGEST


def settings(tmp_path: Path, port: int = 8000) -> Settings:
    return Settings(data_dir=tmp_path / "data", port=port)


def test_it_lies_in_memory_or_on_the_data_disk_where_there_is_none(tmp_path: Path) -> None:
    assert folder_for(settings(tmp_path), tmp_path).parent == tmp_path
    assert folder_for(settings(tmp_path), tmp_path / "none").parent == tmp_path / "data" / "run"


def test_each_web_process_has_its_file_where_files_can_be_made(tmp_path: Path) -> None:
    (tmp_path / "memory").mkdir()
    (tmp_path / "data" / "run").mkdir(parents=True)
    assert heartbeat_folder(settings(tmp_path), tmp_path / "memory") == tmp_path / "memory"
    assert list((tmp_path / "memory").iterdir()) == []
    assert heartbeat_folder(settings(tmp_path), tmp_path / "none") == tmp_path / "data" / "run"
    assert heartbeat_folder(settings(tmp_path / "none"), tmp_path / "none") == Path(tempfile.gettempdir())


def test_services_have_folders_of_their_own(tmp_path: Path) -> None:
    places = {folder_for(settings(tmp_path / data, port), tmp_path) for data in "ab" for port in (8000, 8001)}
    assert len(places) == 4


def test_it_exists_from_beginning_to_end_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    folder = MetricsFolder(folder_for(settings(tmp_path), tmp_path))
    folder.begin()
    assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700
    folder.end()
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_service_left_is_cleared_away_and_what_another_uses_is_not(tmp_path: Path) -> None:
    dead, bare, living = (folder_for(settings(tmp_path, port), tmp_path) for port in (1, 2, 3))
    for each in (dead, bare, living):
        each.mkdir()
    (dead / "counter_1.db").touch()
    (dead / LOCK).touch()
    with (living / LOCK).open("wb") as held:
        fcntl.flock(held, fcntl.LOCK_SH)
        folder = MetricsFolder(folder_for(settings(tmp_path, 4), tmp_path))
        folder.begin()
        assert set(tmp_path.iterdir()) == {living, folder.path}
        folder.end()


def begin_at_once(folder: MetricsFolder, others: threading.Barrier) -> None:
    others.wait(LONGEST)
    folder.begin()


def test_services_that_begin_at_once_leave_each_other_theirs(tmp_path: Path) -> None:
    for first in range(0, 100, 4):
        folders = [MetricsFolder(folder_for(settings(tmp_path, first + port + 1), tmp_path)) for port in range(4)]
        begun = threading.Barrier(4)
        threads = [threading.Thread(target=begin_at_once, args=(each, begun)) for each in folders]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert set(tmp_path.iterdir()) == {each.path for each in folders}
        for each in folders:
            each.end()


def test_without_space_the_service_goes_on(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("no folder")
    folder = MetricsFolder(folder_for(settings(tmp_path), tmp_path / "none"))
    folder.begin()
    folder.end()
