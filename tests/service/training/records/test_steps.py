"""The steps of a corpus of records: written once beside its text, and what is damaged is written again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from charrnn.fingerprints import fingerprints
from charrnn.tasks.arrangement import Arrangement
from charrnn.vocabulary import Vocabulary
from charrnn.words import WordVocabulary
from service.training.corpora.corpus import Corpus
from service.training.corpora.store import CorpusStore
from service.training.errors import JobRequestError, RecordsError
from service.training.records.format import Fields, RecordFormat
from service.training.records.steps import StepsOptions, corpus_records
from tests.networks import random_network

ROWS = 'name,kind\nab,x\nba,y\n"a\nb",x\nbb,y\n'
NAMED = RecordFormat(fields=Fields("name", "kind"))


@pytest.fixture
def store(tmp_path: Path) -> CorpusStore:
    return CorpusStore(tmp_path / "corpora")


def add(store: CorpusStore, text: str) -> Corpus:
    return store.add([text.encode()])[0]


def test_the_steps_of_a_table_are_those_of_its_rows(store: CorpusStore) -> None:
    found = corpus_records(store, add(store, ROWS), StepsOptions("classify", NAMED))
    assert found.arrangement == Arrangement("classify", "line", "\n", ("x", "y"))
    assert found.vocabulary.tokens == Vocabulary("\nab"), "what stands around the texts is no part of them"
    assert found.steps.inputs.tolist() == [1, 2, 2, 1, 1, 0, 2, 2, 2]
    assert found.steps.targets.tolist() == [-1, 0, -1, 1, -1, -1, 0, -1, 1]
    assert (found.steps.bounds.tolist(), found.steps.counted.tolist()) == ([0, 2, 4, 7, 9], [1, 1, 1, 1])
    assert found.labels.tolist() == [0, 1, 0, 1]
    assert np.array_equal(found.hashes, fingerprints(["ab", "ba", "a\nb", "bb"]))
    assert (found.characters, found.rows, found.skipped) == (9, 4, 0)


def test_they_are_written_once_and_again_if_they_are_damaged(store: CorpusStore) -> None:
    corpus, asked = add(store, ROWS), StepsOptions("classify", NAMED)
    corpus_records(store, corpus, asked)
    folder = store.folder(corpus) / asked.key
    before = (folder / "inputs").stat().st_ino
    corpus_records(store, corpus, asked)
    assert (folder / "inputs").stat().st_ino == before
    for damage in (b"", b"123", b"{}", bytes(9)):
        for name in ("inputs", "records.json"):
            (folder / name).write_bytes(damage)
            assert corpus_records(store, corpus, asked).tokens == 9
    assert [path.name for path in folder.parent.glob(".draft-*")] == []


def test_what_check_raises_leaves_nothing_behind(store: CorpusStore) -> None:
    corpus = add(store, ROWS)

    def stop() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        corpus_records(store, corpus, StepsOptions("generate", NAMED), stop)
    assert sorted(path.name for path in store.folder(corpus).iterdir()) == [
        "characters.txt",
        "corpus.json",
        "text.txt",
    ]


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ({}, True),
        ({"task": "classify"}, False),
        ({"format": RecordFormat(unit="line")}, False),
        ({"level": "word"}, False),
        ({"delay": 1}, False),
    ],
)
def test_steps_of_something_else_have_a_folder_of_their_own(other: dict[str, Any], same: bool) -> None:
    asked: dict[str, Any] = {"task": "generate", "format": NAMED}
    assert (StepsOptions(**asked).key == StepsOptions(**{**asked, **other}).key) == same


def test_words_of_records_do_not_run_into_each_other(store: CorpusStore) -> None:
    corpus = add(store, "one two\ntwo one one\n")
    found = corpus_records(store, corpus, StepsOptions("generate", RecordFormat(unit="line"), "word"))
    assert isinstance(found.vocabulary.tokens, WordVocabulary)
    assert set(found.vocabulary.tokens.words) == {"one", "two", " "}
    assert found.steps.lengths.tolist() == [4, 6]


def test_a_base_gives_its_vocabulary_and_labels_and_has_the_same_task(store: CorpusStore) -> None:
    labels = Arrangement("generate", "line", "\n", ("w", "x", "y"))
    base = random_network(Vocabulary("ac"), "gru", 4, arrangement=labels)
    corpus = add(store, ROWS.replace('"a\nb"', "aa"))
    found = corpus_records(store, corpus, StepsOptions("generate", NAMED, base=base))
    assert (found.vocabulary.tokens, found.arrangement) == (Vocabulary("abc"), labels)
    assert found.labels.tolist() == [1, 2, 1, 2]
    with pytest.raises(JobRequestError, match="task must be generate, as in the base, not classify"):
        corpus_records(store, corpus, StepsOptions("classify", NAMED, base=base))
    fewer = random_network(Vocabulary("ac"), "gru", 4, arrangement=Arrangement("generate", "line", "\n", ("x",)))
    with pytest.raises(JobRequestError, match="the base has no label 'y'"):
        corpus_records(store, corpus, StepsOptions("generate", NAMED, base=fewer))


def test_a_faulty_row_names_its_line(store: CorpusStore) -> None:
    with pytest.raises(RecordsError, match="line 3"):
        corpus_records(store, add(store, "name,kind\na,x\nb\n"), StepsOptions("classify", NAMED))
