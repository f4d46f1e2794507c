"""A hostile file is refused for what it claims, before that costs anything."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save

from charrnn.checkpoint import Checkpoint, CheckpointError
from charrnn.checkpoint_header import METADATA_KEY
from charrnn.config import ModelConfig
from charrnn.record import TrainingRecord
from charrnn.vocabulary import Vocabulary
from model_store.distrust import MAX_HEADER_BYTES, load_foreign


def network(record: dict[str, Any] | None = None, characters: str = "ab") -> Checkpoint:
    config = ModelConfig(len(characters), "rnn", hidden_size=2)
    weights = {name: np.full(shape, 0.5, np.float32) for name, shape in config.shapes().items()}
    return Checkpoint(config, Vocabulary(characters), weights, TrainingRecord(record or {}))


def described(change: Callable[[dict[str, Any]], object]) -> bytes:
    """A file whose description was changed without updating the digest."""
    checkpoint = network()
    description = json.loads(_header(checkpoint.to_bytes())["__metadata__"][METADATA_KEY])
    change(description)
    return save(dict(checkpoint.weights), metadata={METADATA_KEY: json.dumps(description)})


def _header(data: bytes) -> Any:
    return json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])


def refused(tmp_path: Path, data: bytes) -> str:
    path = tmp_path / "file"
    path.write_bytes(data)
    with pytest.raises(CheckpointError) as caught:
        load_foreign(path)
    return str(caught.value)


def test_a_good_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "file"
    checkpoint = network({"validation_loss": 1.5, "corpus": {"sha256": "00"}, "evaluations": [{"loss": None}]})
    path.write_bytes(checkpoint.to_bytes())
    assert load_foreign(path).digest == checkpoint.digest


class Exploding:
    def __reduce__(self) -> Any:
        return (Path("/").joinpath, ("never",))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0" * 7,
        b"\0" * 100,
        pickle.dumps(Exploding()),
        b"PK\x03\x04" + b"\0" * 100,
        (2**63).to_bytes(8, "little") + b"{}",
        (MAX_HEADER_BYTES + 1).to_bytes(8, "little") + b" " * 10,
        (2).to_bytes(8, "little") + b"{}",
        network().to_bytes()[:-1],
        network().to_bytes() + b"x",
        save({"w": np.zeros(3, np.float32)}),
        save({"w": np.zeros(3, np.float32)}, metadata={METADATA_KEY: "[" * 100_000}),
        save({"w": np.zeros(3, np.float32)}, metadata={METADATA_KEY: '{"format": 1}'}),
        save({"w": np.zeros(3, np.float32)}, metadata={METADATA_KEY: "5"}),
    ],
)
def test_what_is_no_checkpoint(tmp_path: Path, data: bytes) -> None:
    refused(tmp_path, data)


def test_a_header_over_the_limit_is_not_even_parsed(tmp_path: Path) -> None:
    data = (MAX_HEADER_BYTES + 1).to_bytes(8, "little") + b"[" * (MAX_HEADER_BYTES + 1)
    assert f"a header of {MAX_HEADER_BYTES + 1} bytes" in refused(tmp_path, data)


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d["config"].update(hidden_size=4096, layers=16),
        lambda d: d["config"].update(hidden_size=10**100),
        lambda d: d["config"].update(hidden_size="2"),
        lambda d: d["config"].update(cell=["rnn"]),
        lambda d: d["config"].update(other=1),
        lambda d: d.update(config=5),
        lambda d: d.update(vocabulary=["a", "b"]),
        lambda d: d.update(vocabulary={"level": "word"}),
        lambda d: d.update(vocabulary="ba"),
        lambda d: d.update(vocabulary="abc"),
        lambda d: d.update(vocabulary=None),
        lambda d: d.update(record=5),
        lambda d: d.update(record=[]),
        lambda d: d["record"].update(loss=float("nan")),
        lambda d: d.update(digest=5),
        lambda d: d.update(digest="0" * 64),
        lambda d: d.pop("record"),
    ],
)
def test_a_description_that_does_not_fit(tmp_path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    refused(tmp_path, described(change))


@pytest.mark.parametrize(
    ("checkpoint", "says"),
    [
        (network(characters="a\ud800"), "vocabulary has surrogates"),
        (network({"validation_loss": 10**400}), "more than 64 bits"),
        (network({"note": "\udfff"}), "record has surrogates"),
        (network({"\udfff": 1}), "record has surrogates"),
        (network({"corpus": "text"}), "the record's corpus must be an object"),
        (network({"characters": []}), "the record's characters must be an object"),
        (network({"deep": json.loads("[" * 20 + "]" * 20)}), "deeper than 16"),
    ],
)
def test_a_whole_checkpoint_that_could_not_be_served(tmp_path: Path, checkpoint: Checkpoint, says: str) -> None:
    assert says in refused(tmp_path, checkpoint.to_bytes())


def test_other_numbers_than_float32(tmp_path: Path) -> None:
    weights = {name: weight.astype(np.float64) for name, weight in network().weights.items()}
    metadata = {METADATA_KEY: _header(network().to_bytes())["__metadata__"][METADATA_KEY]}
    assert "float32" in refused(tmp_path, save(weights, metadata=metadata))
