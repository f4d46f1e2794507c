"""Training records as any release wrote them, and as no release would have."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.checkpoint import Checkpoint, load
from charrnn.config import ModelConfig
from charrnn.measurements import Evaluation, Reach
from charrnn.record import TrainingRecord
from charrnn.training.config import FORMER_SPLIT
from charrnn.vocabulary import Vocabulary
from tests.charrnn.test_checkpoint import checkpoint

STARTER = Path(__file__).parents[2] / "service" / "starter" / "shakespeare.safetensors"
REACH = {"step": 0, "characters": 0, "norms": [[1.0, 0.5]]}

FIRST: dict[str, Any] = {
    "corpus": {"name": "bard", "sha256": "ab"},
    "training": {"budget": {"steps": 60}, "segment_length": 64, "seed": 0},
    "characters": {"training": 900, "validation": 100},
    "steps": 60,
    "steps_total": 60,
    "characters_seen": 54000,
    "epochs": 60.1,
    "retries": 0,
    "best_step": 50,
    "validation_loss": 1.5,
    "bits_per_character": 2.164,
    "evaluations": [{"step": 0, "characters": 0, "training_loss": None, "validation_loss": 4.1}],
}
"""What the first release wrote; each of those after it added to that."""

GRADIENTS = FIRST | {"gradients": [REACH, REACH | {"step": 50}]}
BLOCKS = GRADIENTS | {
    "training": FIRST["training"] | {"validation_split": "blocks"},
    "replanned": [{"step": 9, "steps_total": 60}],
    "warnings": ["too little text"],
    "prompt": "Once",
}
FIDELITY = BLOCKS | {"fidelity": {"int8": 1.51, "float32": 1.5, "difference": 0.01, "precision": "int8"}}
WORDS = FIDELITY | {
    "level": "word",
    "characters_per_token": 4.2,
    "base": {"model": "bard", "version": 1, "digest": "cd"},
}

PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=9,
)
NAMES = st.sampled_from(sorted(WORDS)) | st.text(max_size=9)
PROPERTIES = [name for name, kind in vars(TrainingRecord).items() if isinstance(kind, property)]


@pytest.mark.parametrize("written", [FIRST, GRADIENTS, BLOCKS, FIDELITY, WORDS])
def test_what_every_release_wrote_is_read(written: dict[str, Any]) -> None:
    record = TrainingRecord(written)
    assert (record.corpus_sha256, record.held_out_count, record.steps, record.epochs) == ("ab", 100, 60, 60.1)
    assert (record.validation_loss, record.bits_per_character) == (1.5, 2.164)
    assert record.evaluations == (Evaluation(0, 0, None, 4.1),)
    assert record.settings["segment_length"] == 64
    assert record.json == written


def test_what_earlier_releases_did_not_write() -> None:
    first, last = TrainingRecord(FIRST), TrainingRecord(WORDS)
    norms = ((1.0, 0.5),)
    assert (first.gradients, last.gradients) == ((), (Reach(0, 0, norms), Reach(50, 0, norms)))
    assert (first.validation_split, last.validation_split) == (FORMER_SPLIT, "blocks")
    assert (first.warnings, last.warnings) == ((), ("too little text",))
    assert (first.prompt, last.prompt) == (None, "Once")
    assert (first.precision, last.precision) == (None, "int8")
    assert first.validated_on == ("ab", 100, FORMER_SPLIT, "char", "generate", "text", 0, [])
    assert last.validated_on == ("ab", 100, "blocks", "word", "generate", "text", 0, [])


def test_an_empty_record_says_nothing() -> None:
    record = TrainingRecord()
    assert (record.steps, record.epochs, record.validation_loss, record.held_out_count) == (0, 0.0, None, None)
    assert (record.evaluations, record.gradients, record.settings) == ((), (), {})


@given(st.dictionaries(NAMES, PLAIN, max_size=6))
def test_whatever_a_record_says_it_can_be_read_and_stays_as_it_is(values: dict[str, Any]) -> None:
    record = TrainingRecord(json.loads(json.dumps({**WORDS, **values})))
    for name in PROPERTIES:
        getattr(record, name)
    assert record.json == {**WORDS, **values}
    assert record.updated(prompt="Twice").json == {**WORDS, **values, "prompt": "Twice"}
    assert record.updated() == record


@pytest.mark.parametrize("given_", [None, [], "text", [REACH] * 3, [None], [REACH, REACH | {"step": "0"}]])
def test_gradients_of_which_some_cannot_be_drawn_are_none(given_: Any) -> None:
    assert TrainingRecord({"gradients": given_}).gradients == ()


def test_numbers_that_are_none() -> None:
    record = TrainingRecord({"validation_loss": True, "bits_per_character": "2", "steps": -1, "epochs": None})
    assert (record.validation_loss, record.bits_per_character, record.steps, record.epochs) == (None, None, 0, 0.0)


@given(st.dictionaries(NAMES, PLAIN, max_size=4))
def test_a_file_keeps_every_field(tmp_path_factory: pytest.TempPathFactory, values: dict[str, Any]) -> None:
    written = checkpoint({**WORDS, **values})
    path = tmp_path_factory.getbasetemp() / "record.safetensors"
    path.write_bytes(written.to_bytes())
    read = load(path)
    assert (read.record, read.digest) == (written.record, written.digest)
    assert read.to_bytes() == written.to_bytes()


def test_the_starters_record_is_unchanged() -> None:
    starter = load(STARTER)
    assert starter.record.bits_per_character == pytest.approx(2.0734, abs=1e-4)
    assert starter.to_bytes() == STARTER.read_bytes()


def test_another_record_is_another_checkpoint_of_the_same_weights() -> None:
    first = checkpoint()
    digest = first.digest
    other = first.with_record(first.record.updated(level="word"))
    assert other.weights is first.weights and other.digest != digest == first.digest
    assert other.to_bytes() == Checkpoint(first.config, first.vocabulary, first.weights, other.record).to_bytes()


def test_with_a_record_the_weights_are_not_checked_again() -> None:
    weights = {name: weight.copy() for name, weight in checkpoint().weights.items()}
    network = Checkpoint(ModelConfig(4, "gru", hidden_size=3, embedding_size=2), Vocabulary("ehlo"), weights)
    weights["output.bias"][0] = float("nan")
    assert network.with_record(TrainingRecord()).record == TrainingRecord()
