"""What is read does not grow with what is kept: the short form of `make scale`, in files instead of seconds."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from durable.listing import SETTLED_SECONDS
from model_store.faults import Faults
from model_store.store import ModelStore
from service.bootstrap.web import build_web
from service.inspection import damaged_files
from service.settings import Settings
from service.training.corpora.store import CorpusStore
from service.training.jobs.store import JobStore
from service.training.queue.reconciler import Reconciler
from tests.opened import opened
from tests.system.filling import Counts, fill

KEY = "admin-key"
LISTS = ("/jobs", "/corpora", "/models", "/v1/models", "/models?details=true")
FEW, MANY = Counts(6, 2, 12, 12, queued=2), Counts(12, 2, 60, 40, queued=2)


class Nothing:
    """A queue that holds nothing, and a Redis that is not there."""

    def submit(self, job: str) -> None: ...
    def waiting(self) -> set[str]:
        return set()

    def fault(self) -> str:
        return ""


class Place:
    """A filled data directory, whose folders have not changed for a while, and a web process for it."""

    def __init__(self, folder: Path, counts: Counts) -> None:
        fill(folder, counts)
        self.counts, self.settings = counts, Settings(data_dir=folder, admin_api_keys=(KEY,), redis_url="")
        queue: Any = Nothing()
        self.client: FlaskClient = build_web(self.settings, queue=queue).application.test_client()
        self.jobs = JobStore(self.settings.data.runs)
        self.reconciler = Reconciler(self.jobs, queue)
        long_ago = time.time() - SETTLED_SECONDS - 60
        for path in (folder, *folder.rglob("*")):
            if path.is_dir():
                os.utime(path, (long_ago, long_ago))

    def get(self, path: str) -> Any:
        reply = self.client.get(path, headers={"Authorization": f"Bearer {KEY}"})
        assert reply.status_code == 200, reply.text
        return reply.json

    def files(self, path: str) -> int:
        """How many of the data directory's files and folders a request opens that is not the first."""
        self.get(path)
        with opened() as found:
            self.get(path)
        return sum(str(self.settings.data_dir) in each for each in found)


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return Place(tmp_path_factory.mktemp("few"), FEW)


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return Place(tmp_path_factory.mktemp("many"), MANY)


@pytest.mark.parametrize("path", LISTS)
def test_a_page_opens_as_many_files_however_long_the_list_is(few: Place, many: Place, path: str) -> None:
    page = f"{path}{'&' if '?' in path else '?'}limit=3"
    assert len(next(each for each in many.get(page).values() if isinstance(each, list))) == 3
    assert few.files(page) == many.files(page)


def test_a_list_is_as_long_as_it_was_filled(many: Place) -> None:
    found = {path: many.get(path) for path in LISTS}
    assert len(found["/jobs"]["jobs"]) == MANY.jobs
    assert len(found["/corpora"]["corpora"]) == MANY.corpora
    assert len(found["/models"]["models"]) == MANY.models
    assert "damaged" not in str(found)


def test_jobs_that_have_ended_are_counted_without_opening_a_file(many: Place) -> None:
    many.jobs.count_by_status()
    with opened() as found:
        counts = many.jobs.count_by_status()
    assert counts == {"succeeded": MANY.jobs - MANY.queued, "queued": MANY.queued}
    assert len([each for each in found if each.endswith(".json")]) <= MANY.queued


def test_the_reconciler_opens_files_of_unfinished_jobs_only(many: Place) -> None:
    many.reconciler.look()
    with opened() as found:
        many.reconciler.look()
    unfinished = set(many.jobs.unfinished())
    assert len(unfinished) == MANY.queued
    assert {name for each in found if (name := Path(each).parent.name).startswith("20")} <= unfinished
    assert str(many.jobs.root) not in found, "a folder that has not changed is not listed again"


def test_what_was_inspected_and_has_not_changed_is_not_opened_again(many: Place) -> None:
    store = ModelStore(many.settings.data.models)
    look = damaged_files(store, Faults(store), CorpusStore(many.settings.data.corpora), many.jobs)

    def round_of() -> tuple[int, list[str]]:
        checks = [check for _, check in look()]
        return len(checks), [fault for check in checks for fault in check()]

    folders = 3  # those of models, corpora and jobs themselves
    things = MANY.jobs + MANY.corpora + MANY.models + folders
    assert round_of() == (things + (MANY.models - 1) * MANY.versions + 1, []), "each version is verified"
    with opened() as found:
        assert round_of() == (things, [])
    assert [each for each in found if Path(each).is_file()] == []
