from pathlib import Path

import numpy as np
import pytest

from service.training.corpora import decoding
from service.training.corpora.ids import ids
from service.training.corpora.store import CorpusStore
from service.training.errors import CorpusNotFoundError


@pytest.fixture
def store(tmp_path: Path) -> CorpusStore:
    return CorpusStore(tmp_path)


@pytest.mark.parametrize(
    ("text", "dtype"),
    [
        ("hello\n", "uint8"),
        ("".join(map(chr, range(0x4E00, 0x4E00 + 256))), "uint8"),
        ("".join(map(chr, range(0x4E00, 0x4E00 + 257))), "uint16"),
        ("".join(map(chr, range(0x10000, 0x10000 + (1 << 16) + 1))), "int32"),
    ],
)
def test_a_text_is_mapped_as_ids_of_the_narrowest_type(store: CorpusStore, text: str, dtype: str) -> None:
    corpus, _ = store.add([text.encode()])
    vocabulary, encoded = ids(store, corpus)
    assert encoded.dtype == np.dtype(dtype)
    assert encoded.shape == (len(text),)
    assert vocabulary.decode(np.asarray(encoded, np.int32)) == text


def test_the_ids_are_computed_once_and_cannot_be_changed(store: CorpusStore) -> None:
    corpus, _ = store.add([b"hello"])
    ids(store, corpus)
    path = store.folder(corpus) / "ids.uint8"
    before = path.stat()
    _, encoded = ids(store, corpus)
    assert path.stat().st_mtime_ns == before.st_mtime_ns
    with pytest.raises(ValueError, match="read-only"):
        encoded[0] = 1
    assert {entry.name for entry in path.parent.iterdir()} == {"text.txt", "characters.txt", "corpus.json", path.name}


def test_characters_across_the_borders_of_pieces(store: CorpusStore) -> None:
    text = "a" + "é猫\U0001f40d" * (decoding.CHUNK // 6)
    corpus, _ = store.add([text.encode()])
    vocabulary, encoded = ids(store, corpus)
    assert vocabulary.decode(np.asarray(encoded, np.int32)) == text


def test_a_corpus_deleted_meanwhile_has_no_ids(store: CorpusStore) -> None:
    corpus, _ = store.add([b"hello"])
    store.delete(corpus.id)
    with pytest.raises(CorpusNotFoundError):
        ids(store, corpus)
