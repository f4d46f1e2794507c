"""Checkpoint files, changed where their parts are: each is refused, or served in the same way by every kernel."""

from __future__ import annotations

import hashlib
import json
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, Final

import numpy as np

from charrnn import ngram_tensors
from charrnn.checkpoint import Checkpoint, CheckpointError, describe, load, verify
from charrnn.checkpoint_header import METADATA_KEY
from charrnn.engine.cpu.batch import CpuEngine
from charrnn.engine.cpu.instructions import Isa, host_features, runnable_isas
from tests.fuzz.cases import Case
from tests.fuzz.mutating import changed_bytes, changed_json
from tests.fuzz.networks import PRECISIONS, Tensors, base, check_fits, chosen_ids, fitted, put_odd_numbers, sequences


def _parts(checkpoint: Checkpoint) -> tuple[dict[str, Any], Tensors]:
    """Its description and tensors, to be changed."""
    header = checkpoint.to_bytes()
    text = header[8 : 8 + int.from_bytes(header[:8], "little")]
    description: dict[str, Any] = json.loads(json.loads(text)["__metadata__"][METADATA_KEY])
    tensors = {**checkpoint.weights, **ngram_tensors.tensors(checkpoint.ngrams)}
    return description, {name: tensor.copy() for name, tensor in tensors.items()}


def _sealed(description: Any, tensors: Mapping[str, np.ndarray[Any, Any]]) -> Any:
    """The description with the digest that the changed content has, as far as it has one."""
    if not isinstance(description, dict):
        return description
    content = {name: value for name, value in description.items() if name != "digest"}
    try:
        text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except (ValueError, RecursionError):
        return description
    digest = hashlib.sha256(text.encode())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # numbers that float32 does not have
        for name in sorted(tensors, key=lambda name: (name.startswith("ngrams."), name)):
            digest.update(f"\0{name}{tensors[name].shape}\0".encode())
            dtype = _OF_COUNTS.get(name, np.dtype("<f4"))
            digest.update(np.ascontiguousarray(tensors[name], dtype=dtype).data)
    return {**content, "digest": digest.hexdigest()}


_OF_COUNTS: Final[dict[str, Any]] = {
    "ngrams.keys": np.dtype("<u4"),
    "ngrams.ids": np.dtype("<u2"),
    "ngrams.odds": np.dtype("<f2"),
}

_DTYPES: Final = {
    **{"float64": "F64", "float32": "F32", "float16": "F16", "int64": "I64", "int32": "I32", "int8": "I8"},
    **{"uint8": "U8", "uint16": "U16", "uint32": "U32", "bool": "BOOL"},
}


def _written(description: Any, tensors: Mapping[str, np.ndarray[Any, Any]], random: Random) -> bytes:
    """A safetensors file by hand, so that nothing stops a header from being wrong."""
    header: dict[str, Any] = {"__metadata__": {METADATA_KEY: json.dumps(description)}}
    data = b""
    for name, tensor in tensors.items():
        content = np.ascontiguousarray(tensor).tobytes()
        offsets = [len(data), len(data) + len(content)]
        header[name] = {"dtype": _DTYPES[tensor.dtype.name], "shape": list(tensor.shape), "data_offsets": offsets}
        data += content
    if random.random() < 0.1:
        header = changed_json(random, header)
    text = json.dumps(header).encode("utf-8", "surrogatepass")
    if random.random() < 0.05:  # a name twice
        text = text[:-1] + b"," + text[1:]
    text += b" " * (-len(text) % 8)
    length = len(text) if random.random() < 0.95 else random.choice((0, 1, len(text) - 1, len(text) + 8, 1 << 40))
    return length.to_bytes(8, "little") + text + data


def _with_odd_shapes(random: Random, tensors: Tensors) -> None:
    name = random.choice(sorted(tensors))
    kind, tensor = random.randrange(6), tensors[name]
    if kind == 0:
        tensors[name] = tensor.T.copy()
    elif kind == 1:
        tensors[name] = tensor[..., :-1].copy()
    elif kind == 2:
        tensors[name] = tensor.reshape(*tensor.shape, 1)
    elif kind == 3:
        del tensors[name]
    elif kind == 4:
        tensors[random.choice(("", "x", name + "\0", "__metadata__", name + "0"))] = tensors.pop(name)
    else:
        tensors[name] = np.zeros(random.choice(((0,), (), (2, 0, 3))), dtype=np.float32)


def _with_odd_types(random: Random, tensors: Tensors) -> None:
    name = random.choice(sorted(tensors))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tensors[name] = tensors[name].astype(random.choice(sorted(_DTYPES)))


def changed(random: Random) -> bytes:
    """The bytes of a checkpoint that is damaged, hostile, odd, or still sound."""
    description: Any
    description, tensors = _parts(base(random.randrange(60)))
    kind = random.randrange(10)
    if kind <= 1:
        put_odd_numbers(random, tensors)
    elif kind == 2:
        _with_odd_shapes(random, tensors)
    elif kind == 3:
        _with_odd_types(random, tensors)
    elif kind <= 6:
        for _ in range(random.choice((1, 1, 2, 5))):
            part = random.choice(("config", "config", "vocabulary", "record", "ngrams", None))
            if part is None or part not in description:
                description = changed_json(random, description)
            else:
                description[part] = changed_json(random, description[part])
            if not isinstance(description, dict):
                break
    elif kind == 7:  # the tensors of one network with the description of another
        description = _parts(base(random.randrange(60)))[0]
    if random.random() < 0.8:
        description = _sealed(description, tensors)
    data = _written(description, tensors, random)
    return changed_bytes(random, data) if kind >= 8 else data


def _refusal(read: Callable[[Path], object], path: Path) -> str | None:
    """The message of a refusal; None if the file was read. Anything else that is raised is a finding."""
    try:
        read(path)
    except CheckpointError as error:
        return str(error)
    return None


def _accepted(path: Path) -> Checkpoint | None:
    """The checkpoint of the file; None if it is refused, by each function that reads one alike."""
    try:
        checkpoint = load(path)
    except CheckpointError as error:
        assert _refusal(verify, path) is not None, f"verify accepts what load refuses: {error}"
        _refusal(describe, path)
        return None
    assert (refused := _refusal(verify, path)) is None, f"load accepts what verify refuses: {refused}"
    assert describe(path) == (checkpoint.config, checkpoint.record, checkpoint.digest)
    return checkpoint


def _served(random: Random, checkpoint: Checkpoint, isas: tuple[Isa, ...]) -> str:
    """Let every kernel generate the same texts, whose ids must be the network's."""
    asked, precision = sequences(random, checkpoint), random.choice(PRECISIONS)
    asked = [fitted(random, checkpoint.config.outputs, sequence) for sequence in asked]
    batches = [CpuEngine(checkpoint, precision, isa).batch(len(asked)) for isa in isas]
    first, *others = [chosen_ids(batch, asked, random.choice((1, 5, 100))) for batch in batches]
    for isa, other in zip(isas[1:], others, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(first, other, strict=True)), f"{isas[0]} and {isa} differ"
    check_fits(asked, first)
    for ids in first:
        assert not ids.size or 0 <= ids.min() <= ids.max() < checkpoint.config.outputs, f"ids beyond the outputs: {ids}"
        if checkpoint.following is not None or not checkpoint.arrangement.writes_labels:
            checkpoint.vocabulary.decode(ids[ids < len(checkpoint.vocabulary)])
    return "served"


def _case(serve: Callable[[Random, Checkpoint], str], path: Path, random: Random) -> str:
    path.write_bytes(changed(random))
    checkpoint = _accepted(path)
    return "refused" if checkpoint is None else serve(random, checkpoint)


@contextmanager
def _cases(serve: Callable[[Random, Checkpoint], str]) -> Iterator[Case]:
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("error")
        yield partial(_case, serve, Path(folder, "checkpoint"))


def served(isas: tuple[Isa, ...] | None = None) -> Any:
    """Each file is refused, or served alike with these instructions, by default all that this processor has."""
    return _cases(partial(_served, isas=isas or runnable_isas(host_features())))
