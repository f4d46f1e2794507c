"""A directory of an earlier release goes into a store, from there to another, and back into a directory: nothing is
lost, nothing overwritten."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from durable.objects import Objects
from durable.opening import open_objects
from model_store import __main__ as model_store
from model_store.faults import Faults
from model_store.shared import SharedModelStore
from model_store.store import ModelStore
from service.data_dir import DataDir
from service.data_format import DataFormatError, check
from service.inspection import Inspection, damaged_files
from service.keys.errors import KeysUnavailableError
from service.keys.key_file import KeyFile
from service.keys.opening import key_file
from service.keys.shared import SharedKeyFile
from service.migration.command import CopyError, copy
from service.processes.preflight import lock
from service.store_format import check_store
from service.training.corpora.store import CorpusStore
from service.training.jobs.job import Job
from service.training.jobs.shared import SharedJobStore
from service.training.jobs.store import JobStore
from tests.object_server import ObjectServer

pytestmark = pytest.mark.system

KEPT = Path(__file__).parents[1] / "format_1"


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    shutil.copytree(KEPT, tmp_path / "data")
    for name in ("keys.json", "admin-key"):
        (tmp_path / "data" / name).chmod(0o600)
    return DataDir(tmp_path / "data")


@pytest.fixture
def url(object_server: ObjectServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    for name, value in object_server.environment().items():
        monkeypatch.setenv(name, value)
    return f"s3://bucket/copy/{tmp_path.name}"


def copied(source: object, target: object, *options: str) -> int:
    return model_store.main(["copy", str(source), str(target), *options])


def without_warnings(job: Job) -> Job:
    """That a disk is full is a machine's own warning."""
    return replace(job, warnings=())


def described(data: DataDir) -> dict[str, object]:
    """All that a service shows of a directory."""
    models, corpora, jobs = ModelStore(data.models), CorpusStore(data.corpora), JobStore(data.runs)
    return {
        "models": [models.describe(name, version) for name in models.models() for version in models.versions(name)],
        "weights": [models.load(name, version).config for name in models.models() for version in models.versions(name)],
        "aliases": [(models.aliases(name), models.history(name)) for name in models.models()],
        "sidecars": [models.kept("lines", version, "scores") for version in (1, 2)],
        "corpora": [
            (corpus, corpora.verified(corpus).read_bytes(), corpora.characters(corpus)) for corpus in corpora.list()
        ],
        "jobs": [without_warnings(jobs.get(job)) for job in jobs.ids()],
        "events": [[*jobs.event_log(job).read()] for job in jobs.ids()],
        "plans": [jobs.plan(job) for job in jobs.ids()],
        "points": [sorted(path.name for path in (data.runs / job).glob("resume-*")) for job in jobs.ids()],
        "keys": KeyFile(data).all(),
        "admin": data.admin_key.read_bytes(),
    }


def test_a_directory_goes_into_a_store_and_comes_back(
    data: DataDir, url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = described(data)
    assert copied(data.root, url) == 0
    assert "models/lines/2.safetensors" in capsys.readouterr().out
    assert copied(data.root, url) == 0
    assert capsys.readouterr() == ("", "")  # nothing was left to be copied
    assert copied(url, f"{url}-2") == 0
    back = DataDir(tmp_path / "back")
    assert copied(f"{url}-2", back.root) == 0
    check(back.format)
    assert described(back) == before
    models, jobs = ModelStore(back.models), JobStore(back.runs)
    corpora = CorpusStore(back.corpora, in_use=jobs.using)
    assert Inspection(damaged_files(models, Faults(models), corpora, jobs)).found() == []
    assert not [path for path in back.root.rglob("*") if path.name in {"store.json", ".etags.json", ".head.json"}]


def test_lost_keys_are_missed_wherever_they_are_copied(data: DataDir, url: str, tmp_path: Path) -> None:
    KeyFile(data).remember()
    data.keys.unlink()
    back = DataDir(tmp_path / "back")
    for source, target in ((data.root, url), (url, f"{url}-2"), (f"{url}-2", back.root)):
        assert copied(source, target) == 0
    shared = key_file(DataDir(tmp_path / "machine"), open_objects(url))
    assert isinstance(shared, SharedKeyFile)
    shared.refresh()
    for keys in (shared, KeyFile(back)):
        with pytest.raises(KeysUnavailableError, match="has vanished"):
            keys.all()


def test_machines_go_on_from_what_was_copied(data: DataDir, url: str, tmp_path: Path) -> None:
    before = described(data)
    assert copied(data.root, url) == 0
    objects: Objects = open_objects(url)
    machine = DataDir(tmp_path / "machine")
    machine.root.mkdir()
    check_store(objects, machine.store, machine.folders)
    models, jobs = SharedModelStore(machine.models, objects), SharedJobStore(machine.runs, objects)
    models.refresh()
    jobs.refresh()
    assert [models.describe(name, version) for name in models.models() for version in models.versions(name)] == before[
        "models"
    ]
    assert [without_warnings(jobs.get(job)) for job in jobs.ids()] == before["jobs"]
    models.set_alias("lines", "current", 2)
    assert models.rollback("lines") == 1
    with pytest.raises(DataFormatError, match="DATA_DIR has models and corpora and runs of its own"):
        check_store(objects, data.store, data.folders)


def test_what_is_another_in_the_store_stays(data: DataDir, url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert copied(data.root, url, "--models") == 0
    objects = open_objects(url)
    assert {each.key.partition("/")[0] for each in objects.list("")} == {"models", "format.json"}
    ModelStore(data.models).set_alias("lines", "current", 2, "later")
    assert copied(data.root, url, "--models") == 0  # the aliases have only gone on
    shutil.copy(data.models / "lines" / "1.safetensors", data.models / "tiny" / "1.safetensors")
    ModelStore(data.models).set_alias("tiny", "other", 1)
    (data.models / "tiny" / "aliases.json").write_text((data.models / "lines" / "aliases.json").read_text())
    kept = objects.get("models/tiny/1.safetensors").data, objects.get("models/tiny/aliases.json").data
    capsys.readouterr()
    assert copied(data.root, url, "--models") == 1
    said = capsys.readouterr().err
    assert "left out: models/tiny/1.safetensors is another one in the target, and stays" in said
    assert "models/tiny/aliases.json is another one" in said
    assert (objects.get("models/tiny/1.safetensors").data, objects.get("models/tiny/aliases.json").data) == kept
    assert json.loads(objects.get("models/lines/aliases.json").data)["current"][-1]["reason"] == "later"


def test_a_text_that_the_store_has_lost_is_named(data: DataDir, url: str, tmp_path: Path) -> None:
    copy(str(data.root), url, str)
    objects = open_objects(url)
    key = next(each.key for each in objects.list("corpora/") if "/text" in each.key)
    objects.delete(key)
    (sentence,) = copy(url, str(tmp_path / "back"), str)
    assert key.split("/")[1] in sentence and "text.txt is missing in the store" in sentence


def test_a_copy_that_was_interrupted_goes_on(data: DataDir, url: str, tmp_path: Path) -> None:
    before = described(data)

    class Enough(Exception):
        pass

    def interrupted(source: str, target: str, limit: int) -> None:
        done: list[str] = []

        def stop(what: str) -> None:
            done.append(what)
            if len(done) == limit:
                raise Enough

        with pytest.raises(Enough):
            copy(source, target, stop)

    for limit in (1, 3):
        interrupted(str(data.root), url, limit)
    assert copy(str(data.root), url, str) == []
    for limit in (1, 3):
        interrupted(url, str(tmp_path / "back"), limit)
    back = DataDir(tmp_path / "back")
    with pytest.raises(DataFormatError, match="DATA_DIR is incomplete"):
        check(back.format)
    assert copy(url, str(back.root), str) == []
    assert described(back) == before


def test_a_job_that_has_not_ended_stays_with_its_service(data: DataDir, url: str) -> None:
    with lock(data):
        (sentence,) = copy(str(data.root), url, str)
    assert sentence.startswith("job 20261126-143429561505-15af84 has not ended: copy again")
    assert copy(str(data.root), url, str) == []


def test_what_cannot_be_copied_is_refused(data: DataDir, url: str, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    copy(str(data.root), url, str, models_only=True)
    mirror = DataDir(tmp_path / "mirror")
    mirror.root.mkdir()
    check_store(open_objects(url), mirror.store, mirror.folders)
    mirror.make_folders()
    for source, target, reason in (
        (data.root, tmp_path / "new", "one of the two must be a store"),
        (tmp_path / "none", url, "is no data directory: it has no folder models"),
        (url, tmp_path / "full", "is not empty: copy into a new directory"),
        (url, data.root, "is not empty: copy into a new directory"),
        (f"{url}-none", tmp_path / "new", "there is no service's store at"),
        (mirror.root, f"{url}-3", "DATA_DIR mirrors a store"),
        ("gs://bucket", tmp_path / "new", "must look like s3://bucket/prefix"),
    ):
        with pytest.raises(CopyError, match=reason):
            copy(str(source), str(target), str)
    assert not (tmp_path / "new").exists()
