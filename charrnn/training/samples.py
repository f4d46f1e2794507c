"""What a network writes at a point of its training, so that one sees the text become more natural."""

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

LENGTH: Final = 200
PROMPT: Final = 32
TEMPERATURE: Final = 0.8


@dataclass(frozen=True, slots=True)
class Sample:
    """A prompt and what the network made of it with this seed."""

    prompt: str
    text: str
    seed: int
    temperature: float = TEMPERATURE


def prompts_for(training: Passages, validation: Passages, vocabulary: Vocabulary) -> list[Ids]:
    """The same prompts throughout a run: the text's first character alone, what an empty prompt stands for, and the
    first characters that are held out (without any: the text's own)."""
    opening = validation if len(validation) else training
    return [
        np.array(training.read(0, 1), dtype=np.int32),
        np.array([vocabulary.start_id], dtype=np.int32),
        np.array(next(iter(opening))[:PROMPT], dtype=np.int32),
    ]


def write_samples(checkpoint: Checkpoint, prompts: list[Ids], length: int = LENGTH) -> tuple[Sample, ...]:
    """One sample a prompt, each with a seed of its own that stays the same throughout a run."""
    batch = ReferenceEngine(checkpoint).batch(len(prompts))
    for seed, prompt in enumerate(prompts):
        batch.add(Sequence(prompt, length, SamplingParams(seed=seed, temperature=TEMPERATURE)))
    decode = checkpoint.vocabulary.decode
    outputs = batch.step(max(prompt.size for prompt in prompts) + length)
    return tuple(Sample(decode(prompts[o.handle]), decode(o.ids), o.handle) for o in outputs)
