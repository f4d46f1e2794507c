from __future__ import annotations

import threading
from typing import Any

import pytest

from charrnn.checkpoint import CheckpointError
from model_store.errors import InvalidNameError, NotFoundError
from service.generation.errors import ModelUnavailableError
from service.generation.resident import RETRY_SECONDS, ResidentModels


def test_a_version_is_loaded_once(models: ResidentModels, store: Any) -> None:
    assert models.get("letters") is models.get("letters@1")
    assert store.loads == 1


def test_many_threads_that_ask_at_once_load_once(models: ResidentModels, store: Any) -> None:
    threads = [threading.Thread(target=models.get, args=("letters",)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.loads == 1


def test_a_promotion_holds_from_the_next_request_on(models: ResidentModels, store: Any, new_checkpoint: Any) -> None:
    old = models.get("letters")
    store.put("letters", new_checkpoint(loss=0.5))
    assert models.get("letters").version == 2
    assert models.get("letters@1") is old


def test_a_damaged_version_changes_nothing(models: ResidentModels, store: Any) -> None:
    models.get("letters")
    store.put("letters", CheckpointError("damaged: the digest"))
    assert models.get("letters").version == 1
    assert models.degraded == ["letters@2: damaged: the digest"]
    with pytest.raises(ModelUnavailableError, match="letters version 2 cannot be loaded: damaged"):
        models.get("letters@2")


def test_a_new_process_finds_the_version_before_a_damaged_one(models: ResidentModels, store: Any) -> None:
    store.put("letters", CheckpointError("damaged"))
    store.put("letters", CheckpointError("damaged too"))
    assert models.get("letters").version == 1
    del store.versions["letters"][1]
    assert models.get("letters").version == 1  # it is resident


def test_with_no_version_that_works_the_model_is_unavailable(models: ResidentModels, store: Any) -> None:
    store.put("broken", CheckpointError("damaged"))
    store.put("broken", CheckpointError("damaged too"))
    with pytest.raises(ModelUnavailableError, match="broken version 2 cannot be loaded, nor any before it"):
        models.get("broken")


def test_a_version_that_failed_is_tried_again_after_a_while(store: Any, engine: Any, new_checkpoint: Any) -> None:
    now = 0.0
    models = ResidentModels(store, lambda _: engine, clock=lambda: now)
    version = store.put("letters", OSError("disk"))
    for _ in range(3):
        with pytest.raises(ModelUnavailableError):
            models.get(f"letters@{version}")
    assert store.loads == 1
    store.versions["letters"][version] = new_checkpoint()
    now = RETRY_SECONDS
    assert models.get("letters").version == version
    assert models.degraded == []


def test_the_least_recently_used_leaves(store: Any, engine: Any, new_checkpoint: Any) -> None:
    models = ResidentModels(store, lambda _: engine, capacity=2)
    for name in ("one", "two", "three"):
        store.put(name, new_checkpoint())
    for name in ("one", "two", "one", "three"):
        models.get(name)
    assert [model.name for model in models.loaded()] == ["one", "three"]


def test_what_is_promoted_is_loaded_before_it_is_asked_for(
    models: ResidentModels, store: Any, new_checkpoint: Any
) -> None:
    models.get("letters")
    store.put("letters", new_checkpoint())
    models.refresh()
    assert [model.version for model in models.loaded()] == [1, 2]


@pytest.mark.parametrize("count", [2, 20])
def test_what_is_promoted_is_loaded_before_it_is_asked_for_again_and_nothing_else(
    store: Any, engine: Any, new_checkpoint: Any, count: int
) -> None:
    models = ResidentModels(store, lambda _: engine, capacity=2)
    for number in range(count):
        store.put(f"m{number}", new_checkpoint())
        models.get(f"m{number}")
    models.get(f"m{count - 2}")
    for _ in range(3):
        models.refresh()
    assert store.loads == count
    assert [model.name for model in models.loaded()] == [f"m{count - 1}", f"m{count - 2}"], "in the order of their use"
    for number in range(count):
        store.put(f"m{number}", new_checkpoint())
    models.refresh()
    assert store.loads == count + 2


def test_a_version_that_was_damaged_is_loaded_once_it_is_repaired_without_a_request(
    store: Any, engine: Any, new_checkpoint: Any
) -> None:
    now = 0.0
    models = ResidentModels(store, lambda _: engine, clock=lambda: now)
    version = store.put("letters", OSError("disk"))
    assert models.get("letters").version == 1
    store.versions["letters"][version] = new_checkpoint()
    now = RETRY_SECONDS
    models.refresh()
    assert models.degraded == []
    assert {model.version for model in models.loaded()} == {1, 2}


@pytest.mark.parametrize("reference", ["nobody", "letters@9"])
def test_what_is_not_there(models: ResidentModels, reference: str) -> None:
    with pytest.raises(NotFoundError):
        models.get(reference)


@pytest.mark.parametrize("reference", ["", "../x", "a/b", "x" * 300, "letters@", "letters@a/b"])
def test_names_that_could_leave_the_store(models: ResidentModels, reference: str) -> None:
    with pytest.raises(InvalidNameError):
        models.get(reference)
