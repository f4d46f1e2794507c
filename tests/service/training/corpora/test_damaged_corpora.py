"""A damaged corpus costs no other one anything; it is named, deleted, and mended by the same text."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from charrnn.vocabulary import Level
from service.training.corpora.corpus import Corpus
from service.training.corpora.ids import ids
from service.training.corpora.order import DELETED
from service.training.corpora.store import CorpusStore
from service.training.errors import CorpusDamagedError, CorpusInUseError, CorpusNotFoundError
from tests.damage import DAMAGES
from tests.texts import FOX

FILES = ["corpus.json", "characters.txt", "text.txt"]


def hurt(folder: Path, file: str, damage: str) -> None:
    if damage == "missing":
        (folder / file).unlink()
    elif damage == "no folder":
        shutil.rmtree(folder)
        folder.write_text("x")
    else:
        DAMAGES[damage](folder / file)


def flip(path: Path) -> None:
    """One bit in the middle, as a disk may."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


CASES = [(file, damage) for file in FILES for damage in (*DAMAGES, "missing")] + [("", "no folder")]


@pytest.mark.parametrize(("file", "damage"), CASES)
def test_a_damaged_corpus(corpora: CorpusStore, corpus: Corpus, file: str, damage: str) -> None:
    other, _ = corpora.add([b"another text"], "other")
    hurt(corpora.root / corpus.id, file, damage)
    assert corpora.list() == [other]
    assert list(corpora.damaged()) == [corpus.id]
    reason = corpora.damaged()[corpus.id]
    assert reason.startswith(file or "it is no folder")
    assert str(corpora.root) not in reason
    with pytest.raises(CorpusDamagedError, match=corpus.id):
        corpora.get(corpus.id)
    again, created = corpora.add([FOX.encode()], "fox")
    assert (again.id, created) == (corpus.id, True)
    assert corpora.path(corpus).read_text() == FOX
    assert corpora.damaged() == {}
    hurt(corpora.root / corpus.id, file, damage)
    corpora.delete(corpus.id)
    with pytest.raises(CorpusNotFoundError):
        corpora.get(corpus.id)
    assert {path.name for path in corpora.root.iterdir()} - {DELETED} == {".lock", other.id}


def test_a_damaged_corpus_that_a_job_needs_stays(tmp_path: Path) -> None:
    corpora = CorpusStore(tmp_path, in_use=lambda corpus: ["a job"])
    corpus, _ = corpora.add([FOX.encode()])
    (tmp_path / corpus.id / "corpus.json").write_bytes(b"")
    with pytest.raises(CorpusInUseError):
        corpora.delete(corpus.id)


def test_the_record_of_another_corpus(corpora: CorpusStore, corpus: Corpus) -> None:
    other, _ = corpora.add([b"another text"], "other")
    shutil.copy(corpora.root / other.id / "corpus.json", corpora.root / corpus.id / "corpus.json")
    assert "that of another corpus" in corpora.damaged()[corpus.id]


@pytest.mark.parametrize("stray", ["notes.txt", ".DS_Store", "0123456789abcdeg", "0123456789ABCDEF"])
def test_a_strange_file_is_passed_over(corpora: CorpusStore, corpus: Corpus, stray: str) -> None:
    (corpora.root / stray).write_text("x")
    (corpora.root / corpus.id / stray).write_text("x")
    assert (corpora.list(), corpora.damaged()) == ([corpus], {})


@pytest.mark.parametrize("level", ["char", "word"])
@pytest.mark.parametrize("damage", ["emptied", "a_folder", "dangling", "looping", "cut", "linked", "a_pipe", "flipped"])
def test_what_is_computed_from_a_corpus_is_computed_again(
    corpora: CorpusStore, corpus: Corpus, damage: str, level: Level
) -> None:
    vocabulary, found = ids(corpora, corpus, level)
    expected = found.tolist()
    del found
    folder = corpora.folder(corpus)
    for path in [*folder.glob("ids*"), *folder.glob("words.json")]:
        DAMAGES.get(damage, flip)(path)
    again, found = ids(corpora, corpus, level)
    assert (again, found.tolist()) == (vocabulary, expected)


@pytest.mark.parametrize("level", ["char", "word"])
def test_a_text_that_is_not_what_was_uploaded_is_not_learned(
    corpora: CorpusStore, corpus: Corpus, level: Level
) -> None:
    flip(corpora.path(corpus))
    with pytest.raises(CorpusDamagedError, match="not what was uploaded"):
        ids(corpora, corpus, level)


def test_a_folder_elsewhere_is_not_a_corpus(corpora: CorpusStore, corpus: Corpus, tmp_path: Path) -> None:
    folder = corpora.root / corpus.id
    folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere")
    assert corpora.damaged() == {corpus.id: "it is no folder"}
    corpora.delete(corpus.id)
    assert (tmp_path / "elsewhere" / "text.txt").is_file()
