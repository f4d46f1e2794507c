"""Several real processes on one store, in any order: no version is ever half-written, renumbered or changed."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

import model_store
from durable.directory_objects import DirectoryObjects
from model_store import ModelStore
from model_store.shared import SharedModelStore
from tests.laws import examples
from tests.waiting import until

ACTIONS = ["publish", "publish", "read", "read", "alias", "rollback", "resolve", "delete"]
PLANS = st.lists(st.tuples(st.sampled_from(ACTIONS), st.integers(0, 5)), min_size=1, max_size=12)


def started() -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("process.py"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(model_store.__file__).parents[1])},
    )


def tell(process: "subprocess.Popen[str]", root: Path, plan: list[tuple[str, int]], objects: str = "") -> None:
    """With `objects`, a folder, the store is a shared one, and `root` this process's mirror."""
    assert process.stdin
    process.stdin.write(json.dumps({"root": str(root), "objects": objects, "plan": plan}) + "\n")
    process.stdin.flush()


def answer(process: "subprocess.Popen[str]") -> list[dict[str, Any]]:
    assert process.stdout
    events: list[dict[str, Any]] = json.loads(process.stdout.readline())
    return events


@pytest.fixture(scope="module")
def processes() -> Iterator[list["subprocess.Popen[str]"]]:
    with ExitStack() as stack:
        running = [stack.enter_context(started()) for _ in range(3)]
        yield running
        for process in running:
            process.kill()


@examples(25, HealthCheck.function_scoped_fixture)
@given(plans=st.lists(PLANS, min_size=3, max_size=3))
def test_any_interleaving_shows_only_what_was_published(
    processes: list["subprocess.Popen[str]"], plans: list[list[tuple[str, int]]]
) -> None:
    with TemporaryDirectory() as folder:
        for process, plan in zip(processes, plans, strict=True):
            tell(process, Path(folder), plan)
        check([event for process in processes for event in answer(process)], ModelStore(Path(folder)))


@examples(8, HealthCheck.function_scoped_fixture)
@given(plans=st.lists(PLANS, min_size=3, max_size=3))
def test_so_does_any_interleaving_of_machines_that_share_a_store(
    processes: list["subprocess.Popen[str]"], plans: list[list[tuple[str, int]]]
) -> None:
    with TemporaryDirectory() as folder:
        objects = Path(folder) / "objects"
        for number, (process, plan) in enumerate(zip(processes, plans, strict=True)):
            tell(process, Path(folder) / str(number), plan, str(objects))
        events = [event for process in processes for event in answer(process)]
        for mirror in ("0", "1", "2", "new"):
            store = SharedModelStore(Path(folder) / mirror, DirectoryObjects(objects))
            store.refresh()
            check(events, store)


def check(events: list[dict[str, Any]], store: ModelStore) -> None:
    published = [event["published"] for event in events if "published" in event]
    digests: dict[int, str] = dict(published)
    deleted = {event["deleted"] for event in events if "deleted" in event}
    assert sorted(digests) == list(range(1, len(published) + 1)), "numbers are given once, without gaps"
    for version, digest in (event["seen"] for event in events if "seen" in event):
        assert digests[version] == digest, "what is read is what was published under this number"
    left = sorted(set(digests) - deleted)
    if digests:
        assert store.versions("bard") == left
    for version in left:
        assert store.load("bard", version).digest == digests[version]
    for version in store.aliases("bard").values() if digests else ():
        assert version in left, "an alias never stands for a deleted version"


def test_a_large_version_is_whole_from_the_moment_it_is_seen(
    processes: list["subprocess.Popen[str]"], tmp_path: Path
) -> None:
    store = ModelStore(tmp_path)
    tell(processes[0], tmp_path, [("publish large", value) for value in range(20)])
    for version in range(1, 21):
        until(partial(is_seen, store, version))
        store.load("bard", version)
    assert len(answer(processes[0])) == 20


def is_seen(store: ModelStore, version: int) -> bool:
    return store.has("bard") and version in store.versions("bard")


@pytest.mark.parametrize("after", [0.0, 0.011, 0.023])
@pytest.mark.parametrize("is_shared", [False, True])
def test_a_publisher_killed_at_any_moment_leaves_whole_versions(tmp_path: Path, after: float, is_shared: bool) -> None:
    objects = str(tmp_path / "objects") if is_shared else ""
    root = tmp_path / "models"
    with started() as process:
        tell(process, root, [("publish", 0)], objects)
        answer(process)
        tell(process, root, [("publish large", value % 6) for value in range(1_000)], objects)
        until(lambda: len(ModelStore(root).versions("bard")) > 1)
        time.sleep(after)
        process.send_signal(signal.SIGKILL)
    store = ModelStore(root)
    if is_shared:
        store = SharedModelStore(root, DirectoryObjects(Path(objects)))
        store.refresh()
    before = store.versions("bard")
    assert before == list(range(1, len(before) + 1))
    for version in before:
        store.load("bard", version)
    assert store.publish("bard", store.load("bard", 1)) == len(before) + 1
    assert not list((root / "bard").glob(".draft-*"))
