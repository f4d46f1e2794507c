from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from math import inf, nan
from pathlib import Path
from threading import Barrier

import pytest

from charrnn.checkpoint import Checkpoint
from charrnn.record import TrainingRecord
from model_store import ModelStore, Publication, install_starter, publish_and_promote
from model_store.comparison import better
from tests.model_store.stores import afresh
from tests.waiting import LONGEST

Make = Callable[..., Checkpoint]

TEXT, OTHER_TEXT = {"sha256": "aa"}, {"sha256": "bb"}
CURRENT = {"validation_loss": 1.5, "corpus": TEXT}
TOPICS = {**CURRENT, "task": "classify", "unit": "line", "labels": ["a", "b"]}


@pytest.mark.parametrize(
    ("record", "than", "expected"),
    [
        ({"validation_loss": 1.4, "corpus": TEXT}, {"validation_loss": 1.5, "corpus": TEXT}, True),
        ({"validation_loss": 1.5, "corpus": TEXT}, {"validation_loss": 1.5, "corpus": TEXT}, False),
        ({"validation_loss": 1.6, "corpus": TEXT}, {"validation_loss": 1.5, "corpus": TEXT}, False),
        ({"validation_loss": 1.6, "corpus": OTHER_TEXT}, {"validation_loss": 1.5, "corpus": TEXT}, True),
        ({"validation_loss": 1.6, "corpus": TEXT, "characters": {"validation": 9}}, CURRENT, True),
        ({"validation_loss": 1.6, "corpus": {**TEXT, "name": "other"}}, CURRENT, False),
        ({"corpus": OTHER_TEXT}, CURRENT, True),
        ({"corpus": OTHER_TEXT, "validation_loss": None}, CURRENT, True),
        ({"corpus": TEXT}, {"corpus": TEXT}, True),
        ({"validation_loss": 9.0, "corpus": TEXT}, {"corpus": TEXT}, True),
        ({**CURRENT, "validation_loss": 1.6, "training": {"validation_split": "blocks"}}, CURRENT, True),
        ({**CURRENT, "validation_loss": 1.6, "training": {"validation_split": "end"}}, CURRENT, False),
        ({**CURRENT, "validation_loss": 1.6, "level": "word"}, CURRENT, True),
        ({**CURRENT, "validation_loss": 1.6, "task": "classify", "unit": "line"}, CURRENT, True),
        ({**TOPICS, "validation_loss": 1.6}, TOPICS, False),
        ({**TOPICS, "validation_loss": 1.6, "labels": ["de", "it"]}, TOPICS, True),
        ({"validation_loss": nan, "corpus": OTHER_TEXT}, {"validation_loss": 1.5, "corpus": TEXT}, False),
        ({"validation_loss": 9.0}, {}, True),
        ({"validation_loss": inf}, {}, False),
        ({}, {}, True),
    ],
)
def test_what_is_better(record: dict[str, object], than: dict[str, object], expected: bool) -> None:
    assert better(TrainingRecord(record), TrainingRecord(than)) is expected


def test_the_first_version_is_promoted_unless_never(store: ModelStore, checkpoint: Make) -> None:
    assert publish_and_promote(store, "bard", checkpoint(1), "never") == Publication(1, False)
    assert publish_and_promote(store, "bard", checkpoint(2), "if_better") == Publication(2, True)
    assert store.resolve("bard") == 2


def test_if_better_compares_the_validation_losses(store: ModelStore, checkpoint: Make) -> None:
    for loss, promoted in ((1.5, True), (1.6, False), (1.4, True)):
        made = checkpoint(loss, validation_loss=loss, corpus=TEXT)
        assert publish_and_promote(store, "bard", made, "if_better").promoted is promoted
    assert store.resolve("bard") == 3


def test_always_does_not_compare(store: ModelStore, checkpoint: Make) -> None:
    for loss in (1.5, 1.6):
        publish_and_promote(store, "bard", checkpoint(loss, validation_loss=loss, corpus=TEXT), "always")
    assert store.resolve("bard") == 2


def test_anything_is_better_than_a_damaged_version(store: ModelStore, checkpoint: Make) -> None:
    publish_and_promote(store, "bard", checkpoint(1, validation_loss=1.0, corpus=TEXT))
    path = store.path("bard", 1)
    path.chmod(0o644)
    path.write_bytes(b"")
    assert publish_and_promote(store, "bard", checkpoint(2, validation_loss=2.0, corpus=TEXT)).promoted


def test_the_starter_is_the_first_version_of_a_new_store(store: ModelStore, checkpoint: Make, tmp_path: Path) -> None:
    path = tmp_path / "starter.safetensors"
    path.write_bytes(checkpoint(1).to_bytes())
    assert install_starter(store, "bard", path) == 1
    assert store.resolve("bard") == 1
    assert store.load("bard", 1).digest == checkpoint(1).digest
    assert install_starter(afresh(store), "bard", path) is None
    assert store.versions("bard") == [1]


class Together(ModelStore):
    """A store in which two find nothing published, both of them before either publishes."""

    def __init__(self, root: Path, barrier: Barrier) -> None:
        super().__init__(root)
        self._barrier = barrier

    def publish_first(self, name: str, checkpoint: Checkpoint) -> int | None:
        self._barrier.wait(LONGEST)
        return super().publish_first(name, checkpoint)


def test_of_two_that_install_the_starter_at_once_one_says_so(
    store: ModelStore, checkpoint: Make, tmp_path: Path
) -> None:
    path = tmp_path / "starter.safetensors"
    path.write_bytes(checkpoint(1).to_bytes())
    barrier = Barrier(2)
    with ThreadPoolExecutor(2) as pool:
        stores = [Together(store.root, barrier) for _ in range(2)]
        said = list(pool.map(lambda each: install_starter(each, "bard", path), stores))
    assert sorted(said, key=str) == [1, None]
    assert store.versions("bard") == [1]
    assert len(store.history("bard")) == 1


def test_the_starter_touches_no_model_that_had_versions(store: ModelStore, checkpoint: Make, tmp_path: Path) -> None:
    path = tmp_path / "starter.safetensors"
    path.write_bytes(checkpoint(1).to_bytes())
    store.publish("bard", checkpoint(2))
    assert install_starter(store, "bard", path) is None
    assert store.aliases("bard") == {}
    store.delete("bard", 1)
    assert install_starter(store, "bard", path) is None
    assert store.versions("bard") == []


def test_a_starter_published_but_not_promoted_is_completed(store: ModelStore, checkpoint: Make, tmp_path: Path) -> None:
    path = tmp_path / "starter.safetensors"
    path.write_bytes(checkpoint(1).to_bytes())
    store.publish("bard", checkpoint(1))
    assert install_starter(store, "bard", path) == 1
    assert store.resolve("bard") == 1
