"""Texts of every kind, trained on with the defaults, and one too large to be held in memory."""

import math
import os
from pathlib import Path

import numpy as np
import pytest

from charrnn.config import ModelConfig
from charrnn.training.config import Budget, TrainingConfig
from charrnn.training.data import TrainingText
from charrnn.training.defaults import defaults_for
from charrnn.training.text import TextIds
from charrnn.training.trainer import Trainer
from charrnn.vocabulary import Vocabulary
from tests.charrnn.training.brief import brief

TEXTS = {
    "one line": "all work and no play makes a dull boy " * 30,
    "a word without an end": "word",
    "one character": "a" * 300,
    "two characters": "ab" * 300,
    "5,000 characters": "".join(chr(0x4E00 + n * 7919 % 5_000) for n in range(5_000)),
    "line ends of two characters": "a line\r\nanother\r\n" * 40,
    "right to left, combining": "שָׁלוֹם עוֹלָם، مرحبا e\u0301 " * 30,
    "beyond the basic plane": "🎉🎈 🀄🃏\n" * 60,
}


def trained(ids: TextIds, vocabulary: Vocabulary, steps: int = 2) -> Trainer:
    model, training = defaults_for(len(ids), len(vocabulary), Budget(steps=steps))
    config = TrainingConfig(Budget(steps=steps), **training)
    trainer = brief(ModelConfig(len(vocabulary), **model), config, TrainingText(ids, vocabulary))
    for progress in trainer.run():
        for sample in progress.samples:
            assert len(sample.text) > 0
            assert not set(vocabulary.encode(sample.text)) - set(range(len(vocabulary)))
    return trainer


@pytest.mark.parametrize("text", TEXTS.values(), ids=list(TEXTS))
def test_any_text_trains(text: str) -> None:
    vocabulary = Vocabulary.of([text])
    record = trained(vocabulary.encode(text), vocabulary).checkpoint().record.json
    held_out = record["characters"]["validation"]
    assert record["characters"]["training"] + held_out == len(text)
    if held_out:
        assert record["validation_loss"] == pytest.approx(math.log(len(vocabulary)), abs=0.7)
    else:
        assert record["validation_loss"] is None


def test_a_text_of_300_million_characters_stays_on_disk(tmp_path: Path) -> None:
    path, vocabulary = tmp_path / "ids", Vocabulary("ab")
    with path.open("wb") as file:
        file.truncate(300_000_000)
    trained(np.zeros(3000, dtype=np.uint8), vocabulary)  # what any training takes
    before = resident()
    record = trained(np.memmap(path, dtype=np.uint8, mode="r"), vocabulary).checkpoint().record.json
    assert record["characters"]["validation"] == pytest.approx(1_000_000, abs=1)
    assert sum(record["characters"].values()) == 300_000_000
    assert resident() - before < 100_000_000


def resident() -> int:
    """Bytes of memory that this process has at this moment, mapped files included."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGESIZE")
