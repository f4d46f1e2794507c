"""Texts of every shape, from an upload to a published version that can write them, in a few steps."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event

import numpy as np
import pytest

from model_store import ModelStore
from service.training.corpora.conversion import Conversion
from service.training.corpora.store import CorpusStore
from service.training.errors import JobRequestError
from service.training.jobs.requests import JobRequest
from service.training.jobs.store import JobStore
from service.training.queue.submission import create_job
from tests.service.training.runners import job_runner

LATIN = "A line, and another one. "
AWKWARD = {
    "one line": LATIN * 60 + "\n",
    "no line end": LATIN * 60,
    "two characters": "ab" * 700 + "ba" * 50,
    "many characters": "".join(map(chr, range(0x4E00, 0x4E00 + 3_000))),
    "windows line ends": f"{LATIN}\r\n" * 60,
    "right to left": "\u05e9\u05b8\u05dc\u05d5\u05b9\u05dd \u05e2\u05d5\u05dc\u05dd, \u0645\u0631\u062d\u0628\u0627.\n"
    * 60,
    "combining characters": "e\u0301te\u0301 n\u0303a\u0308 o\u0308\u0323 \u0928\u092e\u0938\u094d\u0924\u0947\n" * 60,
    "beyond the basic plane": "\U0001f600 \U0001f469\u200d\U0001f680 \U00010348\n" * 150,
    "only line ends": "\n" * 1500,
    "short": LATIN * 4,
}


@pytest.fixture
def train(jobs: JobStore, corpora: CorpusStore, models: ModelStore) -> Callable[..., None]:
    """Trains a text for some steps, sizes as they would be by default but small."""

    def train(text: str, **fields: object) -> None:
        corpus, _ = corpora.add([text.encode()], conversion=Conversion("utf-8", "keep"))
        values = {"corpus": corpus.id, "model": "m", "hidden_size": 8, "budget": {"steps": 3}, **fields}
        asked = JobRequest.from_dict(values)
        job = create_job(asked, corpora, jobs, models)
        assert job_runner(jobs, corpora, models).run(job.id, Event()) == "ended"
        assert jobs.get(job.id).status == "succeeded", jobs.get(job.id).state.error

    return train


@pytest.mark.parametrize("kind", AWKWARD)
def test_a_text_is_learned_whatever_its_shape(kind: str, train: Callable[..., None], models: ModelStore) -> None:
    text = AWKWARD[kind]
    train(text)
    checkpoint = models.load("m", 1)
    vocabulary = checkpoint.vocabulary
    assert len(vocabulary) == len(set(text))
    assert vocabulary.decode(vocabulary.encode(text)) == text
    counted = checkpoint.record.json["characters"]
    assert counted["training"] + counted["validation"] == len(text)
    loss = checkpoint.record.validation_loss
    assert (loss is None) == (counted["validation"] == 0)
    assert loss is None or np.isfinite(loss)


@pytest.mark.parametrize("kind", ["windows line ends", "right to left", "combining characters", "two characters"])
def test_words_of_it_too(kind: str, train: Callable[..., None], models: ModelStore) -> None:
    train(AWKWARD[kind], level="word")
    vocabulary = models.load("m", 1).vocabulary
    assert vocabulary.decode(vocabulary.encode(AWKWARD[kind])) == AWKWARD[kind]


@pytest.mark.parametrize(
    ("text", "segment_length", "message"),
    [
        ("x" * 99, None, "corpus has 99 characters; at least 100 are needed to train on it"),
        ("x" * 300, 300, "corpus has 300 characters; at least 301 are needed to train on it with segment_length 300"),
    ],
)
def test_too_short_says_how_much_is_needed(
    text: str, segment_length: int | None, message: str, train: Callable[..., None], jobs: JobStore
) -> None:
    with pytest.raises(JobRequestError) as caught:
        train(text, segment_length=segment_length)
    assert str(caught.value) == message
    assert jobs.ids() == []
