"""The usual loop, `nn.LSTM` a step at a time with softmax and multinomial, for one text or a batch of equal lengths."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import torch

from charrnn import checkpoint as checkpoints
from charrnn.model import CharRNN
from charrnn.vocabulary import Vocabulary


class Usual:
    """The checkpoint that CHECKPOINT names, as a torch module."""

    def __init__(self) -> None:
        torch.set_num_threads(1)
        checkpoint = checkpoints.load(Path(os.environ["CHECKPOINT"]))
        assert isinstance(checkpoint.vocabulary, Vocabulary)
        self._vocabulary = checkpoint.vocabulary
        self._model = CharRNN(checkpoint.config)
        self._model.load_weights(checkpoint.weights)
        self._model.eval()

    @torch.inference_mode()
    def generate(self, prompts: Sequence[str], length: int, temperature: float) -> list[str]:
        """`length` characters after each of the prompts, which are of one length, as a batch of a server has them."""
        ids = torch.tensor([self._vocabulary.encode(prompt).tolist() for prompt in prompts])
        logits, state = self._model(ids, None)
        texts = []
        for _ in range(length):
            chosen = torch.multinomial(torch.softmax(logits[:, -1] / temperature, -1), 1)
            texts.append(chosen)
            logits, state = self._model(chosen, state)
        return [self._vocabulary.decode(row) for row in torch.cat(texts, 1).tolist()]
