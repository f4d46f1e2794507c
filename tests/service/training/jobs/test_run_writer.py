from pathlib import Path

from durable.reading import read_json
from service.training.jobs import shapes
from service.training.jobs.event_log import EventLog
from service.training.jobs.run_files import WARNINGS
from service.training.jobs.run_writer import FolderWriter


def test_each_change_is_in_the_folder_at_once(tmp_path: Path) -> None:
    writer = FolderWriter(tmp_path)
    for warnings in ([], ["the loss rises"]):
        writer.put(WARNINGS, {"warnings": warnings})
        assert read_json(tmp_path / WARNINGS, shapes.WARNINGS) == {"warnings": warnings}
    writer.log("metrics", {"step": 1})
    assert [(event.kind, event.data) for event in EventLog(tmp_path).read()] == [("metrics", {"step": 1})]
    writer.drop(WARNINGS)
    writer.drop(WARNINGS)
    assert not (tmp_path / WARNINGS).exists()
