from __future__ import annotations

from pathlib import Path

import pytest

from charrnn.tasks.record import TaskName
from service.training.errors import RecordsError
from service.training.records.format import RecordFormat
from service.training.records.survey import Survey, surveyed

OPEN = RecordFormat()


def survey(folder: Path, text: str, task: TaskName, format: RecordFormat = OPEN) -> Survey:
    path = folder / "text.txt"
    path.write_text(text, encoding="utf-8", newline="")
    return surveyed(path, format, task)


def test_labels_lengths_and_characters_are_those_of_the_records(tmp_path: Path) -> None:
    text = 'text,label,more\nab,z,Q\nb,a,Q\n"c,é",z,Q\nb,a,Q\n'
    found = survey(tmp_path, text, "classify")
    assert (found.records, found.rows, found.skipped, found.faults) == (4, 4, 0, ())
    assert list(found.labels.items()) == [("a", 2), ("z", 2)]
    assert found.characters == ",abcé"
    assert (found.total, found.longest) == (7, 3)
    assert [found.quantile(share) for share in (0, 0.5, 0.75, 1)] == [1, 1, 2, 3]


def test_targets_count_for_the_vocabulary(tmp_path: Path) -> None:
    found = survey(tmp_path, "text\ttarget\n3 May\t05-03\n", "transduce")
    assert found.characters == " -035May"
    assert (found.total, found.longest, found.labels) == (10, 5, {})


def test_tags_are_counted_by_tokens(tmp_path: Path) -> None:
    found = survey(tmp_path, '{"text": "ab1", "tags": ["L", "L", "D"]}\n', "tag")
    assert found.labels == {"D": 1, "L": 2}


def test_rows_passed_over_are_reported(tmp_path: Path) -> None:
    found = survey(tmp_path, "a\n" * 9 + "x" * 100_001 + "\n", "generate", RecordFormat(unit="line", skip_bad_rows=0.1))
    assert (found.records, found.rows, found.skipped) == (9, 10, 1)
    assert found.faults[0].startswith("line 10: the text has more than 100,000 characters")
    assert found.characters == "a"


@pytest.mark.parametrize(
    ("text", "task", "message"),
    [
        ("text,label\na,x\nb,x\n", "classify", "task classify needs at least 2 different labels, and all are 'x'"),
        ('{"text": "ab", "tags": "NN"}\n', "tag", "task tag needs at least 2 different tags, and all are 'N'"),
        (
            "text,label\na,x\nb,x\nc,y\nd,z\n",
            "classify",
            "task classify needs at least 2 examples of each label, and there is one of 'y', 'z': add examples",
        ),
    ],
)
def test_what_no_task_can_learn_from(text: str, task: TaskName, message: str, tmp_path: Path) -> None:
    with pytest.raises(RecordsError, match=message):
        survey(tmp_path, text, task)


def test_one_label_is_enough_to_generate(tmp_path: Path) -> None:
    assert survey(tmp_path, "text,label\na,x\n", "generate", RecordFormat(format="csv")).labels == {"x": 1}


def test_a_check_can_stop_the_work(tmp_path: Path) -> None:
    class StopError(Exception):
        pass

    def stop() -> None:
        raise StopError

    path = tmp_path / "text.txt"
    path.write_text("a\nb\n")
    with pytest.raises(StopError):
        surveyed(path, RecordFormat(unit="line"), "generate", check=stop)
