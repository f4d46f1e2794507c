"""A trained network as one safetensors file, verified when it is read; knows nothing of where files are kept."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors.numpy import save

from charrnn import ngram_tensors
from charrnn.checkpoint_checks import check_shapes, check_sizes, check_weight
from charrnn.checkpoint_header import (
    METADATA_KEY,
    CheckpointError,
    canonical,
    description_of,
    opened,
    record_of,
    vocabulary_of,
)
from charrnn.config import ModelConfig
from charrnn.following import Following
from charrnn.ngrams import NgramTable
from charrnn.record import TrainingRecord
from charrnn.tasks.arrangement import Arrangement
from charrnn.vocabulary import Vocabulary

__all__ = ["Checkpoint", "CheckpointError", "describe", "load", "verify"]

Weights = Mapping[str, npt.NDArray[np.float32]]


@dataclass(frozen=True)
class Checkpoint:
    """A network with its vocabulary, its weights (names and shapes as in `ModelConfig.shapes`), what is known of its
    training, and the counts that are mixed with its logits, if any. Raises CheckpointError when they do not fit."""

    config: ModelConfig
    vocabulary: Vocabulary
    weights: Weights
    record: TrainingRecord = field(default_factory=TrainingRecord)
    ngrams: NgramTable | None = None

    def __post_init__(self) -> None:
        check_sizes(self.config, self.vocabulary, self.arrangement, self.ngrams)
        check_shapes(self.config, {name: weight.shape for name, weight in self.weights.items()})
        for name, weight in self.weights.items():
            check_weight(name, weight)

    def with_record(self, record: TrainingRecord) -> Checkpoint:
        """The same network with another record; the weights, which were checked before, are not checked again."""
        other = object.__new__(Checkpoint)
        vars(other).update({each.name: getattr(self, each.name) for each in fields(self)} | {"record": record})
        return other

    @cached_property
    def arrangement(self) -> Arrangement:
        """The task, unit and labels. Raises CheckpointError if the training record does not give any that fit."""
        try:
            return self.record.arrangement
        except (ValueError, TypeError) as error:
            raise CheckpointError(str(error)) from error

    @property
    def following(self) -> Following | None:
        """Which ids may not follow which others; None if the outputs are no tokens, or all may."""
        return None if self.arrangement.writes_labels else self.vocabulary.following

    @property
    def output_weights(self) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """The output layer's weight [outputs, hidden_size] and bias [outputs]; a single unit is the second of two rows,
        so that a softmax gives its sigmoid."""
        weight, bias = self.weights["output.weight"], self.weights["output.bias"]
        if self.config.output_size != 1:
            return weight, bias
        return np.concatenate([np.zeros_like(weight), weight]), np.concatenate([np.zeros_like(bias), bias])

    @cached_property
    def digest(self) -> str:
        """SHA-256 over the whole content of the checkpoint, in hexadecimal."""
        return _digest(self._description(), self.weights, self.ngrams)

    def to_bytes(self) -> bytes:
        """The file's bytes: the same checkpoint gives the same bytes, always."""
        description = {**self._description(), "digest": self.digest}
        found = {**{name: self.weights[name] for name in sorted(self.weights)}, **ngram_tensors.tensors(self.ngrams)}
        tensors = {name: np.ascontiguousarray(array) for name, array in found.items()}
        return save(tensors, metadata={METADATA_KEY: canonical(description)})

    def _description(self) -> dict[str, Any]:
        return _description(self.config, self.vocabulary, self.record, self.ngrams)


def load(path: Path) -> Checkpoint:
    """Read and verify a checkpoint file: header, configuration, every name and shape, and the digest.

    Raises CheckpointError for an invalid or damaged file, FileNotFoundError when there is no such file.
    """
    with opened(path) as (file, description):
        config = ModelConfig(**description["config"])
        _check_header(file, config, mixes=ngram_tensors.KEY in description)
        weights = {name: file.get_tensor(name) for name in config.shapes()}
        record, ngrams = record_of(description), ngram_tensors.read(file, description)
        checkpoint = Checkpoint(config, vocabulary_of(description, record), weights, record, ngrams)
        if checkpoint.digest != (said := description.get("digest")):
            raise CheckpointError(f"damaged: the digest says {said!r:.80}, the content {checkpoint.digest}")
        return checkpoint


def verify(path: Path) -> None:
    """Verify a checkpoint file as `load` does, but one weight at a time, so that memory use does not grow with its
    size.

    Raises CheckpointError, FileNotFoundError.
    """
    with opened(path) as (file, description):
        config = ModelConfig(**description["config"])
        _check_header(file, config, mixes=ngram_tensors.KEY in description)
        record, ngrams = record_of(description), ngram_tensors.read(file, description)
        vocabulary = vocabulary_of(description, record)
        check_sizes(config, vocabulary, record.arrangement, ngrams)
        content = _description(config, vocabulary, record, ngrams)
        found = _digest_of(content, _checked_weights(file, config), ngrams)
    if found != description.get("digest"):
        raise CheckpointError("its content does not match its digest")


def describe(path: Path) -> tuple[ModelConfig, TrainingRecord, str]:
    """Configuration, training record and digest from the header alone: quick, and not verified against the weights.

    Raises CheckpointError, FileNotFoundError.
    """
    with opened(path) as (_, description):
        return ModelConfig(**description["config"]), record_of(description), str(description["digest"])


def _description(
    config: ModelConfig, vocabulary: Vocabulary, record: TrainingRecord, ngrams: NgramTable | None
) -> dict[str, Any]:
    return {**description_of(config, vocabulary, record), **ngram_tensors.described(ngrams)}


def _check_header(file: Any, config: ModelConfig, *, mixes: bool) -> None:
    """Compare names and shapes before reading any weight, so that a hostile header costs nothing."""
    names = set(file.keys()) - (set(ngram_tensors.names(file.keys())) if mixes else set())
    check_shapes(config, {name: tuple(file.get_slice(name).get_shape()) for name in names})


def _checked_weights(file: Any, config: ModelConfig) -> Iterator[tuple[str, npt.NDArray[np.float32]]]:
    """The weights, one at a time, in the order of their names."""
    for name in sorted(config.shapes()):
        weight = file.get_tensor(name)
        check_weight(name, weight)
        yield name, weight


def _digest(description: Mapping[str, Any], weights: Weights, ngrams: NgramTable | None) -> str:
    return _digest_of(description, ((name, weights[name]) for name in sorted(weights)), ngrams)


def _digest_of(
    description: Mapping[str, Any],
    weights: Iterable[tuple[str, npt.NDArray[np.float32]]],
    ngrams: NgramTable | None,
) -> str:
    """The weights come in the order of their names."""
    digest = hashlib.sha256(canonical(description).encode())
    for name, given in weights:
        weight = np.ascontiguousarray(given, dtype="<f4")
        digest.update(f"\0{name}{weight.shape}\0".encode())
        digest.update(weight.data)
    ngram_tensors.update(digest, ngrams)
    return digest.hexdigest()
