"""Jobs over records, from the request to the published version."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from charrnn.tasks.arrangement import Arrangement
from model_store.known_texts import known_texts
from model_store.store import ModelStore
from service.bootstrap.training import build_trainer
from service.settings import Settings
from service.training.errors import JobRequestError, RecordsError
from service.training.evaluation import KIND as EVALUATION
from service.training.jobs.job import Job
from service.training.jobs.requests import JobRequest
from service.training.queue.submission import create_job

WORDS = ["".join("abcdef"[(i * 7 + j * (i % 5)) % 6] for j in range(2 + i % 7)) for i in range(200)]
SMALL = {"hidden_size": 16, "budget": {"steps": 40}, "promote": "always"}


def row(word: str) -> str:
    kind = "vowel" if word[0] in "ae" else "consonant"
    tags = "".join("v" if character in "ae" else "c" for character in word)
    return json.dumps({"word": word, "kind": kind, "tags": tags, "target": word[::-1]})


TEXT = "\n".join(map(row, WORDS)) + "\n"


def trained(folder: Path, text: str, **asked: Any) -> tuple[Job, ModelStore]:
    training = build_trainer(Settings(data_dir=folder))
    corpus, _ = training.corpora.add([text.encode()], "words")
    request = JobRequest.from_dict({"corpus": corpus.id, "model": "words", **SMALL, **asked})
    job = create_job(request, training.corpora, training.jobs, training.models)
    training.runner.run(job.id, Event())
    return training.jobs.get(job.id), training.models


@pytest.mark.parametrize(
    ("asked", "arrangement"),
    [
        ({"fields": {"text": "word", "label": "kind"}}, Arrangement("generate", "line", "\n", ("consonant", "vowel"))),
        (
            {"task": "classify", "fields": {"text": "word", "label": "kind"}},
            Arrangement("classify", "line", "\n", ("consonant", "vowel")),
        ),
        (
            {"task": "tag", "fields": {"text": "word"}, "delay": 2},
            Arrangement("tag", "line", "\n", ("c", "v"), 2),
        ),
        ({"task": "transduce", "fields": {"text": "word"}}, Arrangement("transduce", "line", "\n")),
    ],
    ids=["generate", "classify", "tag", "transduce"],
)
def test_a_version_of_every_task_is_published(tmp_path: Path, asked: dict[str, Any], arrangement: Arrangement) -> None:
    job, models = trained(tmp_path, TEXT, **asked)
    assert (job.status, job.state.error) == ("succeeded", None)
    checkpoint = models.load("words", 1)
    assert checkpoint.arrangement == arrangement
    assert checkpoint.record.json["records"]["training"] + checkpoint.record.json["records"]["validation"] == 200
    assert checkpoint.record.json["fidelity"]["precision"] == "int8"
    found = models.kept("words", 1, EVALUATION)
    assert found is not None and found["task"] == arrangement.task
    assert found["records"] == found["held_out"] == checkpoint.record.json["records"]["validation"]
    assert ("accuracy" in found, "loss" in found) == (arrangement.writes_labels, not arrangement.writes_labels)
    assert (checkpoint.record.bits_per_character is None) == arrangement.writes_labels


def test_what_a_version_was_trained_on_is_known(tmp_path: Path) -> None:
    _, models = trained(tmp_path, "\n".join(WORDS), unit="line")
    known = known_texts(models, "words", 1)
    assert known is not None and known.contains_all([*WORDS, "abcabcabc"]).tolist() == [True] * len(WORDS) + [False]
    scores = models.kept("words", 1, "scores")
    assert scores is not None and scores["records"] == models.load("words", 1).record.json["records"]["validation"]


@pytest.mark.parametrize("task", ["generate", "classify"])
def test_a_version_of_records_goes_on_from_one_with_fewer_characters(tmp_path: Path, task: str) -> None:
    asked = {"task": task, "fields": {"text": "word", "label": "kind"}}
    trained(tmp_path, TEXT, **asked)
    new = "\n".join(row(word).replace(word, word.replace("b", "x")) for word in WORDS)
    job, models = trained(tmp_path, new, **asked, base="words")
    assert (job.status, job.state.error, models.versions("words")) == ("succeeded", None, [1, 2])
    assert models.load("words", 2).vocabulary.characters == "abcdefx"
    assert models.load("words", 2).arrangement == models.load("words", 1).arrangement


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"unit": "paragraph"}, "unit must be separator, as in the base words, not paragraph"),
        ({"separator": ";"}, r"separator must be '\|', as in the base words, not ';'"),
        ({"unit": "text"}, "unit must be separator, as in the base words, not text"),
        ({"task": "tag", "format": "csv", "delay": 2}, "task must be generate, as in the base words, not tag"),
    ],
    ids=["unit", "separator", "text", "task"],
)
def test_records_must_be_those_of_the_base(tmp_path: Path, asked: dict[str, Any], told: str) -> None:
    trained(tmp_path, "|".join(WORDS), separator="|", budget={"steps": 1})
    text = "text,tags\n" + "ab,xy\n" * 20 if "task" in asked else "\n".join(WORDS)
    with pytest.raises(JobRequestError, match=told):
        trained(tmp_path, text, **asked, base="words")


def test_words_are_tokens_of_records_too(tmp_path: Path) -> None:
    text = "\n\n".join(f"{a} {b},\n{a}" for a, b in pairwise(WORDS))
    job, models = trained(tmp_path, text, unit="paragraph", level="word")
    assert (job.status, job.state.error) == ("succeeded", None)
    assert models.load("words", 1).arrangement == Arrangement("generate", "paragraph", "\n\n")


def test_rows_that_are_passed_over_are_reported(tmp_path: Path) -> None:
    text = TEXT + '{"word": "abc"}\n'
    job, models = trained(tmp_path, text, task="transduce", fields={"text": "word"}, skip_bad_rows=0.01)
    assert job.status == "succeeded"
    (told, *_) = models.load("words", 1).record.warnings
    assert told.startswith("1 of 201 rows were passed over: line 201")
    assert job.warnings == models.load("words", 1).record.warnings


@pytest.mark.parametrize(
    ("text", "asked", "error", "told"),
    [
        (TEXT, {"task": "classify"}, RecordsError, "text"),
        ("a\nb\n", {"task": "classify"}, RecordsError, "neither JSONL nor a table"),
        (TEXT, {"task": "classify", "unit": "text"}, JobRequestError, "unit must be"),
        (TEXT, {"task": "tag", "delay": 65}, JobRequestError, "delay must be"),
        (TEXT, {"delay": 1}, JobRequestError, "delay must be left out for task generate"),
        (TEXT, {"unit": "separator"}, JobRequestError, "separator must be"),
        (TEXT, {"skip_bad_rows": 2}, JobRequestError, "skip_bad_rows must be"),
        (TEXT, {"task": "guess"}, JobRequestError, "task must be one of"),
    ],
)
def test_a_request_that_does_not_suit_is_refused_before_there_is_a_job(
    tmp_path: Path, text: str, asked: dict[str, Any], error: type[Exception], told: str
) -> None:
    with pytest.raises(error, match=told):
        trained(tmp_path, text, **asked)
    assert not list((tmp_path / "runs").glob("2*"))
