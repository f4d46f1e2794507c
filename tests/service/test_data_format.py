"""The number of the data directory's format, and directories of each format as its release left them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from model_store.faults import Faults
from model_store.known_texts import known_texts
from model_store.store import ModelStore
from service.data_dir import DataDir
from service.data_format import FORMAT, DataFormatError, check
from service.inspection import Inspection, damaged_files
from service.keys.key_file import KeyFile, digest
from service.keys.made_keys import MadeKeys
from service.processes.preflight import StartError, check_data, lock
from service.settings import Settings
from service.training.corpora.ids import ids
from service.training.corpora.store import CorpusStore
from service.training.jobs.store import JobStore

HERE = Path(__file__).parent
TEXT_CORPUS = "22f99a51bbe8e614"
UNFINISHED = "20261126-143429561505-15af84"


@pytest.fixture(params=range(1, FORMAT + 1))
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> DataDir:
    """A copy of the directory of a format."""
    shutil.copytree(HERE / f"format_{request.param}", tmp_path / "data")
    for name in ("keys.json", "admin-key"):
        (tmp_path / "data" / name).chmod(0o600)
    return DataDir(tmp_path / "data")


def test_a_directory_of_each_format_is_served_whole(kept: DataDir) -> None:
    lock(kept).close()
    models, jobs = ModelStore(kept.models), JobStore(kept.runs)
    corpora = CorpusStore(kept.corpora, in_use=jobs.using)
    assert Inspection(damaged_files(models, Faults(models), corpora, jobs)).found() == []
    assert {name: (models.versions(name), models.aliases(name)) for name in models.models()} == {
        "lines": ([1, 2], {"candidate": 2, "current": 1}),
        "tiny": ([1], {"current": 1}),
    }
    assert [change.version for change in models.history("lines")] == [1, 2, 1]
    for name, version in (("lines", 1), ("lines", 2), ("tiny", 1)):
        assert models.load(name, version).config.hidden_size == 4
    assert known_texts(models, "lines", 1) is not None
    assert models.kept("lines", 1, "scores") is not None and models.kept("lines", 1, "evaluation") is not None


def test_its_jobs_and_corpora_can_be_used(kept: DataDir) -> None:
    jobs = JobStore(kept.runs)
    corpora = CorpusStore(kept.corpora, in_use=jobs.using)
    assert [job.state.status for job in jobs.list()] == ["succeeded", "succeeded", "queued"]
    assert all(jobs.event_log(job.id).metrics() and jobs.plan(job.id) for job in jobs.list()[:2])
    assert jobs.using(TEXT_CORPUS) == [UNFINISHED]
    (corpus,) = corpora.list()
    vocabulary, found = ids(corpora, corpus)
    assert (corpus.id, len(found), len(vocabulary)) == (TEXT_CORPUS, corpus.characters, corpus.vocabulary_size)


def test_its_keys_open(kept: DataDir) -> None:
    keys = KeyFile(kept).all()
    assert [(key.role, key.name, key.revoked is None) for key in keys] == [
        ("app", "app-one", True),
        ("admin", "boss", True),
        ("app", "gone", False),
    ]
    assert all(len(key.sha256) == len(digest("")) for key in keys)
    assert MadeKeys(kept.admin_key).read() == ("k" * 43,)


def test_a_directory_from_before_there_was_a_number_gets_one(kept: DataDir) -> None:
    kept.format.unlink()
    lock(kept).close()
    assert kept.format.read_text() == '{"format": 1}\n'


@pytest.mark.parametrize("content", ['{"format": 2}', '{"format": 2, "new": [1]}', '{"format": 99, "restoring": true}'])
def test_a_newer_format_is_left_alone(tmp_path: Path, content: str) -> None:
    data = DataDir(tmp_path)
    data.format.write_text(content)
    for refuse in (lambda: lock(data), lambda: KeyFile(data).add("app", "a")):
        with pytest.raises((StartError, DataFormatError), match=r"format \d+, and this release reads formats up to 1"):
            refuse()
    with pytest.raises(SystemExit, match="service: the data has format"):
        check_data(Settings(data_dir=data.root))
    assert [path.name for path in tmp_path.iterdir()] == ["format"], "nothing else was written"


@pytest.mark.parametrize("content", ["", "{", "[1]", '{"format": "1"}', '{"format": true}', '{"format": 1e308}', None])
def test_a_damaged_number_is_set_aside(tmp_path: Path, content: str | None) -> None:
    data = DataDir(tmp_path)
    data.format.mkdir() if content is None else data.format.write_text(content)
    lock(data).close()
    assert data.format.read_text() == '{"format": 1}\n'
    assert len(list(tmp_path.glob(".damaged-format-*"))) == 1


def test_a_pipe_or_a_link_in_its_place(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "format")
    check(tmp_path / "format")
    (tmp_path / "format").unlink()
    (tmp_path / "format").symlink_to(tmp_path / "outside")
    check(tmp_path / "format")
    assert not (tmp_path / "outside").exists() and (tmp_path / "format").is_file()


def test_a_restore_that_was_interrupted(tmp_path: Path) -> None:
    (tmp_path / "format").write_text('{"format": 1, "restoring": true}')
    with pytest.raises(StartError, match="DATA_DIR is incomplete"):
        lock(DataDir(tmp_path))


def test_a_directory_that_cannot_be_written_is_none_of_its_business(tmp_path: Path) -> None:
    check(tmp_path / "missing" / "format")
