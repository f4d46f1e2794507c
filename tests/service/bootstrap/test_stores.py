from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from charrnn.checkpoint import Checkpoint
from durable.directory_objects import DirectoryObjects
from model_store.promotion import publish_and_promote
from model_store.shared import SharedModelStore
from model_store.store import ModelStore
from service.bootstrap.stores import Stores, open_stores
from service.cluster import OtherClusterError
from service.data_format import DataFormatError
from service.keys.shared import MADE_SECONDS
from service.mirror.mirror import Mirror
from service.mirror.refresher import Refresher
from service.mirror.report import MirrorNotFilledError, MirrorReport
from service.mirror.shared import SharedMirror
from service.redis_servers.hints import Hints
from service.settings import Settings
from service.training.jobs.requests import JobRequest
from tests.system.redis_server import RedisServer
from tests.texts import FOX

HOUR = 3600


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def machine(tmp_path: Path) -> Callable[[str], Stores]:
    """The stores of a machine of this name; all share one store of objects."""
    return lambda name: open_stores(Settings(data_dir=tmp_path / name), DirectoryObjects(tmp_path / "objects"))


def test_without_a_store_there_are_those_of_the_directory(tmp_path: Path) -> None:
    stores = open_stores(Settings(data_dir=tmp_path))
    assert type(stores.models) is ModelStore
    assert type(stores.mirror) is Mirror
    assert stores.mirror.is_filled() and stores.keys is None
    assert list(tmp_path.iterdir()) == [], "nothing is read or written yet"


def test_what_one_machine_has_made_another_has_once_it_looks(
    machine: Callable[[str], Stores], new_checkpoint: Callable[..., Checkpoint]
) -> None:
    first, second = machine("first"), machine("second")
    first.mirror.refresh()
    publish_and_promote(first.models, "letters", new_checkpoint())
    corpus, _ = first.corpora.add([FOX.encode()], "fox")
    job = first.jobs.create(JobRequest(corpus.id, "letters"))
    second.mirror.refresh()
    assert second.models.resolve("letters") == 1
    assert second.models.describe("letters", 1).digest == first.models.describe("letters", 1).digest
    assert second.corpora.path(second.corpora.get(corpus.id)).read_bytes() == FOX.encode()
    assert second.jobs.get(job.id).status == "queued"


def test_a_machine_is_not_filled_before_it_has_looked(machine: Callable[[str], Stores]) -> None:
    mirror = machine("first").mirror
    with pytest.raises(MirrorNotFilledError):
        mirror.check()


def test_a_directory_that_mirrors_a_store_is_not_used_without_it(
    machine: Callable[[str], Stores], tmp_path: Path
) -> None:
    machine("first").mirror.refresh()
    with pytest.raises(DataFormatError, match="STORE_URL is empty"):
        open_stores(Settings(data_dir=tmp_path / "first"))


def test_a_directory_of_another_cluster_is_not_filled(machine: Callable[[str], Stores], tmp_path: Path) -> None:
    stores = machine("first")
    assert isinstance(stores.models, SharedModelStore)
    stores.mirror.refresh()
    shutil.rmtree(tmp_path / "objects")
    with pytest.raises(DataFormatError, match="cluster"):
        machine("first").mirror.check_store()


def test_ten_idle_machines_ask_less_than_twenty_thousand_times_an_hour(
    machine: Callable[[str], Stores], new_checkpoint: Callable[..., Checkpoint], tmp_path: Path
) -> None:
    stores, clock = machine("first"), Clock()
    stores.mirror.refresh()
    publish_and_promote(stores.models, "letters", new_checkpoint())
    corpus, _ = stores.corpora.add([FOX.encode()], "fox")
    stores.jobs.cancel(stores.jobs.create(JobRequest(corpus.id, "letters")).id)
    mirror = stores.mirror
    assert isinstance(mirror, SharedMirror)
    report = MirrorReport(tmp_path / "report", "s3://bucket", monotonic=clock)
    refresher = Refresher(mirror.subjects, tmp_path / "lock", report, Hints(""), clock=clock)
    before = asked(stores)
    longest = 0.0
    while clock.now < HOUR:
        wait = refresher.look()
        longest = max(longest, wait)
        clock.now += wait
    with_made_keys = asked(stores) - before + 2 * HOUR // MADE_SECONDS  # whose clock is another
    assert 10 * with_made_keys < 20_000
    assert longest <= 7, "so that a promotion holds within ten seconds"


@pytest.mark.system
def test_a_machine_with_another_redis_is_refused_before_it_mirrors_anything(tmp_path: Path) -> None:
    objects = DirectoryObjects(tmp_path / "store")
    first, second = RedisServer(tmp_path), RedisServer(tmp_path)
    try:
        first.start()
        second.start()
        for machine in ("a", "b", "a"):
            open_stores(Settings(data_dir=tmp_path / machine, redis_url=first.url), objects).mirror.check_store()
        with pytest.raises(OtherClusterError, match="a cluster with another Redis has used the store"):
            open_stores(Settings(data_dir=tmp_path / "c", redis_url=second.url), objects).mirror.refresh()
        other = DirectoryObjects(tmp_path / "other")
        with pytest.raises(OtherClusterError, match="REDIS_URL names the Redis of the cluster of store"):
            open_stores(Settings(data_dir=tmp_path / "d", redis_url=first.url), other).mirror.refresh()
    finally:
        first.stop()
        second.stop()


def test_a_machine_with_a_redis_of_its_own_is_not_asked(tmp_path: Path) -> None:
    objects = DirectoryObjects(tmp_path / "store")
    url = "unix:///nowhere"
    for machine in ("a", "b"):
        (tmp_path / machine / "run").mkdir(parents=True)
        (tmp_path / machine / "run" / "redis.url").write_text(url)
        open_stores(Settings(data_dir=tmp_path / machine, redis_url=url), objects).mirror.check_store()
    assert [each.key for each in objects.list("")] == ["format.json"]


def asked(stores: Stores) -> int:
    return sum(each.count for each in stores.mirror.requests().values())
