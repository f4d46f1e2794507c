"""Samples of a network during its training, which show how its texts become more natural."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from charrnn.checkpoint import Checkpoint
from charrnn.engine.base import Sequence
from charrnn.engine.gpu.reference import ReferenceEngine
from charrnn.sampling import SamplingParams
from charrnn.training.text import Passages
from charrnn.vocabulary import Ids, Vocabulary

SAMPLE_LENGTH: Final = 200
PROMPT: Final = 32
TEMPERATURE: Final = 0.8


@dataclass(frozen=True, slots=True)
class Sample:
    """A prompt and the text that the network generated from it with this seed."""

    prompt: str
    text: str
    seed: int
    temperature: float = TEMPERATURE


def prompts_for(training: Passages, validation: Passages, vocabulary: Vocabulary) -> list[Ids]:
    """The prompts of samples, the same throughout a run: the text's first character, what an empty prompt stands for,
    and the first held-out characters (if nothing is held out, the first ones of the text)."""
    opening = validation if len(validation) else training
    return [
        np.array(training.read(0, 1), dtype=np.int32),
        np.array([vocabulary.start_id], dtype=np.int32),
        np.array(next(iter(opening))[:PROMPT], dtype=np.int32),
    ]


def write_samples(checkpoint: Checkpoint, prompts: list[Ids], length: int) -> tuple[Sample, ...]:
    """One sample for each prompt, each with a seed of its own, the same throughout a run."""
    if not prompts:
        return ()
    vocabulary, decode = checkpoint.vocabulary, checkpoint.vocabulary.decode
    batch = ReferenceEngine(checkpoint).batch(len(prompts))
    for seed, prompt in enumerate(prompts):
        sampling = SamplingParams(seed=seed, temperature=TEMPERATURE)
        batch.add(Sequence(prompt, length, sampling, end_id=vocabulary.end_id))
    outputs = batch.step(max(prompt.size for prompt in prompts) + length)
    return tuple(Sample(decode(prompts[o.handle]), decode(_ended(o.ids, vocabulary)), o.handle) for o in outputs)


def _ended(ids: Ids, vocabulary: Vocabulary) -> Ids:
    """The ids before the first that ends the text."""
    if vocabulary.end_id is None or vocabulary.end_id not in ids:
        return ids
    return ids[: int(np.argmax(ids == vocabulary.end_id))]
