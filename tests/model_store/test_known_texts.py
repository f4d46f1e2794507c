"""What a version was trained on lies beside it, and goes with it."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest

from charrnn.checkpoint import Checkpoint
from charrnn.fingerprints import fingerprints
from charrnn.novelty import KnownTexts
from model_store.errors import NotFoundError
from model_store.faults import Faults
from model_store.known_texts import keep_known_texts, known_texts
from model_store.store import ModelStore
from tests.model_store.stores import afresh

Make = Callable[..., Checkpoint]


@pytest.fixture
def known() -> KnownTexts:
    made = KnownTexts.room_for(2)
    made.add(fingerprints(["Anna", "Bruno"]))
    return made


def test_what_is_kept_is_known(store: ModelStore, checkpoint: Make, known: KnownTexts) -> None:
    store.publish("names", checkpoint(1))
    assert known_texts(store, "names", 1) is None
    keep_known_texts(store, "names", 1, known)
    found = known_texts(afresh(store), "names", 1)
    assert found is not None and found.texts == 2
    assert found.contains_all(["Anna", "Berta", "Bruno"]).tolist() == [True, False, True]
    assert Faults(store).of("names") == []


def test_it_goes_with_its_version(store: ModelStore, checkpoint: Make, known: KnownTexts) -> None:
    for value in (1, 2):
        keep_known_texts(store, "names", store.publish("names", checkpoint(value)), known)
    store.delete("names", 1)
    assert [path.name for path in (store.root / "names").glob("*.bin")] == ["2.texts.bin"]
    with pytest.raises(NotFoundError):
        known_texts(store, "names", 1)
    with pytest.raises(NotFoundError):
        keep_known_texts(store, "names", 1, known)


def test_a_damaged_set_is_none(
    store: ModelStore, checkpoint: Make, known: KnownTexts, caplog: pytest.LogCaptureFixture
) -> None:
    store.publish("names", checkpoint(1))
    keep_known_texts(store, "names", 1, known)
    path = store.bytes_path("names", 1, "texts")
    path.write_bytes(path.read_bytes()[:-8])
    with caplog.at_level(logging.ERROR):
        assert known_texts(store, "names", 1) is None
    assert "names version 1: what it was trained on cannot be read: 1.texts.bin has" in caplog.text
