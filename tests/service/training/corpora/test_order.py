from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from service.training.corpora import order
from service.training.corpora.order import CorpusOrder
from service.training.corpora.store import CorpusStore


@pytest.fixture
def store(tmp_path: Path) -> CorpusStore:
    return CorpusStore(tmp_path)


def test_a_deleted_corpus_keeps_its_place_for_a_day(store: CorpusStore, tmp_path: Path) -> None:
    first, second = (store.add([text])[0] for text in (b"one", b"two"))
    place = store.place(first.id)
    assert place == (first.created, first.id)
    store.delete(first.id)
    assert CorpusStore(tmp_path).place(first.id) == place
    assert store.ids() == [second.id]
    long_ago = time.time() - order.REMEMBERED_SECONDS - 60
    os.utime(tmp_path / order.DELETED / first.id, (long_ago, long_ago))
    store.delete(second.id)
    with pytest.raises(LookupError):
        store.place(first.id)
    assert store.place(second.id) == (second.created, second.id)


def test_a_corpus_that_comes_back_has_its_new_place(store: CorpusStore) -> None:
    first, second = (store.add([text])[0] for text in (b"one", b"two"))
    assert store.ids() == [first.id, second.id]
    store.delete(first.id)
    time.sleep(0.002)
    again, _ = store.add([b"one"])
    assert again.id == first.id
    assert store.ids() == [second.id, first.id]
    assert store.place(first.id) == (again.created, first.id)


def test_a_damaged_corpus_counts_as_the_oldest(store: CorpusStore, tmp_path: Path) -> None:
    first, second = (store.add([text])[0] for text in (b"one", b"two"))
    (tmp_path / second.id / "corpus.json").write_bytes(b"{}")
    assert CorpusOrder(tmp_path).oldest_first() == [("", second.id), (first.created, first.id)]


@pytest.mark.parametrize("corpus", ["", "..", "x", "0" * 16, "A" * 16])
def test_what_there_never_was_has_no_place(store: CorpusStore, corpus: str) -> None:
    with pytest.raises(LookupError):
        store.place(corpus)


def test_a_disk_that_cannot_be_written_keeps_no_corpus_from_being_deleted(store: CorpusStore, tmp_path: Path) -> None:
    corpus, _ = store.add([b"one"])
    (tmp_path / order.DELETED).write_bytes(b"")
    store.delete(corpus.id)
    assert store.ids() == []
