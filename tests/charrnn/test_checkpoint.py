from __future__ import annotations

import json
import subprocess
import sys
from contextlib import nullcontext, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from safetensors.numpy import save

from charrnn import ngram_tensors
from charrnn.checkpoint import Checkpoint, CheckpointError, describe, load, verify
from charrnn.checkpoint_header import METADATA_KEY
from charrnn.config import ModelConfig
from charrnn.ngrams import ORDERS
from charrnn.record import TrainingRecord
from charrnn.tasks.arrangement import Arrangement
from charrnn.vocabulary import Vocabulary
from tests.disk import no_descriptors
from tests.laws import examples
from tests.networks import random_network, with_counts


def checkpoint(record: dict[str, Any] | None = None) -> Checkpoint:
    config = ModelConfig(4, "gru", hidden_size=3, embedding_size=2)
    random = np.random.default_rng(0)
    weights = {name: random.normal(size=shape).astype(np.float32) for name, shape in config.shapes().items()}
    return Checkpoint(config, Vocabulary("ehlo"), weights, TrainingRecord(record or {"validation_loss": 1.25}))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "1.safetensors"
    path.write_bytes(checkpoint().to_bytes())
    return path


def test_what_was_written_is_read(path: Path) -> None:
    read = load(path)
    assert (read.config, read.vocabulary, read.record) == (checkpoint().config, Vocabulary("ehlo"), checkpoint().record)
    assert all(np.array_equal(read.weights[name], weight) for name, weight in checkpoint().weights.items())
    assert read.digest == checkpoint().digest
    assert describe(path) == (read.config, read.record, read.digest)


def test_the_bytes_are_the_same_in_every_process(path: Path) -> None:
    program = "import sys; from pathlib import Path; from charrnn.checkpoint import load; "
    program += "sys.stdout.buffer.write(load(Path(sys.argv[1])).to_bytes())"
    root = Path(__file__).parents[2]
    made = subprocess.run([sys.executable, "-c", program, str(path)], cwd=root, capture_output=True, check=True)
    assert made.stdout == path.read_bytes()


def test_the_digest_says_all_that_the_checkpoint_says() -> None:
    base = checkpoint()
    changed = {name: weight.copy() for name, weight in base.weights.items()}
    changed["output.bias"][0] += 1e-6
    others = [
        replace(base, weights=changed),
        base.with_record(TrainingRecord()),
        replace(base, vocabulary=Vocabulary("abcd")),
    ]
    assert len({base.digest, *(other.digest for other in others)}) == 4


@examples(60, HealthCheck.function_scoped_fixture)
@given(st.data())
def test_no_changed_byte_goes_unseen(path: Path, data: st.DataObject) -> None:
    content = bytearray(checkpoint().to_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    sound = False
    with suppress(CheckpointError):
        assert load(path).digest == checkpoint().digest  # only the header's white space can differ without harm
        sound = True
    with nullcontext() if sound else pytest.raises(CheckpointError):
        verify(path)


@examples(40, HealthCheck.function_scoped_fixture)
@given(st.data())
def test_no_part_of_a_file_is_taken_for_it(path: Path, data: st.DataObject) -> None:
    content = checkpoint().to_bytes()
    path.write_bytes(content[: data.draw(st.integers(0, len(content) - 1))])
    with pytest.raises(CheckpointError):
        load(path)


def counted() -> Checkpoint:
    return with_counts(checkpoint(), 200)


def test_counts_are_part_of_a_file(path: Path) -> None:
    path.write_bytes(counted().to_bytes())
    read, written = load(path), counted()
    verify(path)
    assert read.digest == written.digest != checkpoint().digest
    assert read.ngrams is not None and written.ngrams is not None
    arrays = zip(read.ngrams.arrays().values(), written.ngrams.arrays().values(), strict=True)
    assert all(np.array_equal(a, b) for a, b in arrays)
    assert read.with_record(TrainingRecord()).ngrams is read.ngrams
    path.write_bytes(checkpoint().to_bytes())
    assert load(path).ngrams is None


def file_with_counts(orders: Any = None, **changes: Any) -> bytes:
    """A file with other arrays than those of `counted`, and its digest."""
    base = counted()
    description = {**described(base), "ngrams": {"orders": orders or list(ORDERS)}}
    tensors = {**base.weights, **ngram_tensors.tensors(base.ngrams), **{f"ngrams.{k}": v for k, v in changes.items()}}
    return save({n: t for n, t in tensors.items() if t is not None}, metadata={METADATA_KEY: json.dumps(description)})


def described(checkpoint: Checkpoint) -> dict[str, Any]:
    header = checkpoint.to_bytes()
    length = int.from_bytes(header[:8], "little")
    found: dict[str, Any] = json.loads(json.loads(header[8 : 8 + length])["__metadata__"][METADATA_KEY])
    return found


N = len(counted().ngrams or ())
SPREAD = np.arange(N, dtype=np.uint32) << 20


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (file_with_counts([1, 2]), r"n-gram table must be \(3, 4, 6, 8, 14\) or \(3, 4, 6, 8\), not \(1, 2\)"),
        (file_with_counts(keys=None), "the arrays must be keys, ids, odds"),
        (file_with_counts(more=np.zeros(N, np.uint16)), "the arrays must be keys, ids, odds"),
        (file_with_counts(keys=np.arange(N, dtype=np.int64)), "the arrays must be keys, ids, odds"),
        (file_with_counts(ids=np.zeros(N - 1, np.uint16)), "must have one length"),
        (file_with_counts(keys=np.arange(N, dtype=np.uint32)[::-1].copy()), "ascending order"),
        (
            file_with_counts(ids=np.full(N, 4, np.uint16), keys=np.arange(N, dtype=np.uint32) << 20),
            "less than 4, not 4",
        ),
        (file_with_counts(odds=np.full(N, np.inf, np.float16)), "odds must be finite"),
        (file_with_counts(odds=np.full(N, 0.5, np.float16)), "digest"),
    ],
)
def test_counts_that_cannot_be_used_are_refused(path: Path, data: bytes, says: str) -> None:
    path.write_bytes(data)
    for read in (load, verify):
        with pytest.raises(CheckpointError, match=says):
            read(path)


def test_counts_do_not_fit_a_network_that_labels() -> None:
    arrangement = Arrangement("classify", "line", "\n", ("x", "y"))
    labels = random_network(Vocabulary("ab"), "rnn", 3, arrangement=arrangement)
    with pytest.raises(CheckpointError, match="the task classify does not fit an n-gram table"):
        replace(labels, ngrams=counted().ngrams)


def with_description(**changes: Any) -> bytes:
    base = checkpoint()
    description = described(base)
    return save(dict(base.weights), metadata={METADATA_KEY: json.dumps({**description, **changes})})


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "not a checkpoint"),
        (b"\x80\x04cos\nsystem\n", "not a checkpoint"),
        (b"\xff" * 64, "not a checkpoint"),
        (save({"x": np.zeros(2, np.float32)}), "no 'charrnn' in the metadata"),
        (with_description(format=99), "not a checkpoint of format 1"),
        (with_description(digest="0" * 64), "damaged: the digest"),
        (with_description(record={"validation_loss": 0.0}), "damaged: the digest"),
        (with_description(record={"validation_loss": float("nan")}), "not JSON compliant"),
        (with_description(config={"vocabulary_size": 4, "hidden_size": 4096}), "do not fit the configuration"),
        (with_description(config={"vocabulary_size": 10**9}), "vocabulary_size must be"),
        (with_description(config={"vocabulary_size": 4, "wings": 2}), "not a checkpoint"),
        (with_description(config=5), "not a checkpoint"),
    ],
)
def test_a_file_that_is_no_checkpoint_is_refused(path: Path, data: bytes, says: str) -> None:
    path.write_bytes(data)
    with pytest.raises(CheckpointError, match=says):
        load(path)
    with pytest.raises(CheckpointError):
        verify(path)


def test_a_lack_of_descriptors_says_nothing_of_a_file(path: Path) -> None:
    with no_descriptors():
        for read in (load, describe, verify):
            with pytest.raises(OSError, match="Too many open files"):
                read(path)
    assert load(path).digest == checkpoint().digest


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    for read in (load, describe):
        with pytest.raises(FileNotFoundError, match="no checkpoint"):
            read(tmp_path / "none")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"vocabulary": Vocabulary("abc")}, "vocabulary has 3 .*network 4"),
        ({"weights": {}}, "do not fit"),
        ({"weights": {**checkpoint().weights, "output.bias": np.zeros(4)}}, "output.bias must be float32"),
        (
            {"weights": {**checkpoint().weights, "output.bias": np.full(4, np.nan, np.float32)}},
            "output.bias has values that are not finite",
        ),
        (
            {"weights": {**checkpoint().weights, "output.bias": np.full(4, -1.1e9, np.float32)}},
            "output.bias must be at most 1e\\+09 in size",
        ),
    ],
)
def test_parts_that_do_not_fit_make_no_checkpoint(change: dict[str, Any], says: str) -> None:
    with pytest.raises(CheckpointError, match=says):
        replace(checkpoint(), **change)
