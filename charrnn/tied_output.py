"""An output layer that shares the embedding's vectors, for training with a large vocabulary: its weights are a product
of two smaller matrices, multiplied out for a checkpoint, which knows nothing of it."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from charrnn.config import ModelConfig
from charrnn.initial import uniform_


class TiedOutput(nn.Module):
    """W_hy = E W_p, where E [vocabulary_size, embedding_size] is the embedding (Press, Wolf: Using the Output Embedding
    to Improve Language Models, 2017) and W_p [embedding_size, hidden_size] the `projection`. A rare token's vector is
    learned from where it is read as well as from where it is predicted, and logits take embedding_size instead of
    hidden_size products each."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.projection = nn.Parameter(torch.empty(config.embedding_size, config.hidden_size))
        self.bias = nn.Parameter(torch.zeros(config.vocabulary_size))
        uniform_(self.projection, config.hidden_size * config.embedding_size)  # E's elements have a variance of 1

    def forward(self, hidden: Tensor, embedding: Tensor) -> Tensor:
        """Logits [..., vocabulary_size] of outputs of the last layer [..., hidden_size]."""
        return functional.linear(functional.linear(hidden, self.projection), embedding, self.bias)

    def weight(self, embedding: Tensor) -> Tensor:
        """The weights of the same output layer as one matrix, [vocabulary_size, hidden_size]."""
        return embedding @ self.projection
