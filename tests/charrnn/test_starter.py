"""The model that ships: whole, as good as promised, and English of a kind."""

from pathlib import Path

import numpy as np

from charrnn.checkpoint import load
from charrnn.engine.base import Sequence
from charrnn.engine.gpu.reference import ReferenceEngine
from charrnn.sampling import SamplingParams

STARTER = Path(__file__).parents[2] / "service" / "starter" / "shakespeare.safetensors"


def test_it_is_sound_small_and_as_good_as_promised() -> None:
    checkpoint = load(STARTER)
    assert STARTER.stat().st_size < 3_000_000
    assert (checkpoint.config.cell, checkpoint.config.hidden_size, checkpoint.config.layers) == ("lstm", 256, 1)
    assert checkpoint.record.json["corpus"]["name"] == "tinyshakespeare"
    assert checkpoint.record.json["characters"] == {"training": 1_003_854, "validation": 111_540}
    assert checkpoint.record.json["validation_loss"] <= 1.48
    assert checkpoint.record.prompt == "First Citizen:"
    assert checkpoint.to_bytes() == STARTER.read_bytes()


def test_it_expects_the_play_to_go_on() -> None:
    checkpoint = load(STARTER)
    text = checkpoint.vocabulary.encode("ROMEO:\nO, she doth teach the torches to burn bright!\n")
    batch = ReferenceEngine(checkpoint).batch(1)
    batch.add(Sequence(text, 0, SamplingParams(), score=True))
    (output,) = batch.step(text.size)
    assert output.prompt_logprobs is not None
    assert -float(np.nanmean(output.prompt_logprobs.chosen)) < 2.2
