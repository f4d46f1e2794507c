"""Checkpoint files, changed where their parts are: each is refused, or served in the same way by every kernel; and none
makes a kernel read outside its arrays."""

from __future__ import annotations

import hashlib
import json
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from random import Random
from typing import Any, Final, Literal

import numpy as np

from charrnn.checkpoint import METADATA_KEY, Checkpoint, CheckpointError, describe, load, verify
from charrnn.config import CELLS, ModelConfig
from charrnn.engine.base import Batch, Sequence
from charrnn.engine.cpu.batch import CpuEngine
from charrnn.engine.cpu.instructions import Isa, Precision, host_features, runnable_isas
from charrnn.record import TrainingRecord
from charrnn.sampling import SamplingParams
from charrnn.tasks.arrangement import TEXT, Arrangement
from charrnn.vocabulary import Ids, Vocabulary
from charrnn.words import WordVocabulary
from tests.fuzz.cases import Case
from tests.fuzz.guarded import Guard, GuardedBatch
from tests.fuzz.mutating import changed_bytes, changed_json

PRECISIONS: Final[tuple[Precision, ...]] = ("int8", "float32")
CHARACTERS: Final = Vocabulary("\n 'abcde\u00e9\u4e00\U0001f600")
WORDS: Final = WordVocabulary(("\n", " ", "the", "cat", "'", "sat", ",", "\r"))
ARRANGEMENTS: Final = (
    *(TEXT, TEXT, TEXT),
    Arrangement("generate", "line", "\n"),
    Arrangement("generate", "paragraph", "\n\n", ("a", "b")),
    Arrangement("classify", "line", "\n", ("ham", "spam")),
    Arrangement("classify", "separator", "--", tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ")),
    Arrangement("tag", "line", "\n", ("N", "V", "X"), 2),
    Arrangement("transduce", "line", "\n"),
)

Tensors = dict[str, np.ndarray[Any, Any]]


@cache
def _base(number: int) -> Checkpoint:
    """One of many sound checkpoints, small ones of every kind."""
    random = np.random.default_rng(number)
    arrangement = ARRANGEMENTS[number % len(ARRANGEMENTS)]
    vocabulary = arrangement.vocabulary(WORDS if number % 4 == 3 else CHARACTERS)
    sizes = {"hidden_size": int(random.choice([1, 5, 16, 17, 33])), "layers": int(random.integers(1, 4))}
    sizes |= {"embedding_size": int(random.choice([0, 0, 3])), "output_size": arrangement.output_size(vocabulary)}
    config = ModelConfig(len(vocabulary), CELLS[number % len(CELLS)], **sizes)
    weights = {name: random.normal(0, 0.5, shape).astype(np.float32) for name, shape in config.shapes().items()}
    record = {"validation_loss": 1.5, "steps": 100, "corpus": {"sha256": "0" * 64}, "training": {"hidden_size": 5}}
    return Checkpoint(config, vocabulary, weights, TrainingRecord({**record, **arrangement.as_dict()}))


def _parts(checkpoint: Checkpoint) -> tuple[dict[str, Any], Tensors]:
    """Its description and tensors, to be changed."""
    header = checkpoint.to_bytes()
    text = header[8 : 8 + int.from_bytes(header[:8], "little")]
    description: dict[str, Any] = json.loads(json.loads(text)["__metadata__"][METADATA_KEY])
    return description, {name: weight.copy() for name, weight in checkpoint.weights.items()}


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
        for name in sorted(tensors):
            digest.update(f"\0{name}{tensors[name].shape}\0".encode())
            digest.update(np.ascontiguousarray(tensors[name], dtype="<f4").data)
    return {**content, "digest": digest.hexdigest()}


_DTYPES: Final = {
    **{"float64": "F64", "float32": "F32", "float16": "F16", "int64": "I64", "int32": "I32", "int8": "I8"},
    **{"uint8": "U8", "bool": "BOOL"},
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


_NUMBERS: Final = (
    *(float("nan"), float("inf"), -float("inf"), 3.4e38, -3.4e38, 1e9, -1e9, 1.1e9, 1e20, 1e-45, -1e-40, 1e-30),
    *(0.0, -0.0, 127.0, 1e6, -1e8, 1.0),
)


def _with_odd_numbers(random: Random, tensors: Tensors) -> None:
    for name in random.sample(sorted(tensors), random.randint(1, min(3, len(tensors)))):
        flat = tensors[name].reshape(-1)
        if not flat.size:
            continue
        kind, number = random.randrange(4), random.choice(_NUMBERS)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what overflows is to be infinite here
            if kind == 0:
                flat[:] = number
            elif kind == 1:
                flat[:] = flat * random.choice((1e3, -1e6, 1e-38, 1e38))
            else:
                for _ in range(random.choice((1, 2, 10))):
                    flat[random.randrange(flat.size)] = number


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
    description, tensors = _parts(_base(random.randrange(60)))
    kind = random.randrange(10)
    if kind <= 1:
        _with_odd_numbers(random, tensors)
    elif kind == 2:
        _with_odd_shapes(random, tensors)
    elif kind == 3:
        _with_odd_types(random, tensors)
    elif kind <= 6:
        for _ in range(random.choice((1, 1, 2, 5))):
            part = random.choice(("config", "config", "vocabulary", "record", None))
            if part is None or part not in description:
                description = changed_json(random, description)
            else:
                description[part] = changed_json(random, description[part])
            if not isinstance(description, dict):
                break
    elif kind == 7:  # the tensors of one network with the description of another
        description = _parts(_base(random.randrange(60)))[0]
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


def _sequences(random: Random, checkpoint: Checkpoint) -> list[Sequence]:
    """Some texts that the network may be asked for."""
    config = checkpoint.config
    length = 1 if config.outputs > config.vocabulary_size else 12
    return [
        Sequence(
            np.array([random.randrange(config.vocabulary_size) for _ in range(random.randint(1, 5))], dtype=np.int32),
            length,
            _sampling(random, config.outputs),
            score=random.random() < 0.3,
            end_id=random.choice((None, random.randrange(config.outputs))),
        )
        for _ in range(random.choice((1, 2, 5)))
    ]


def _sampling(random: Random, outputs: int) -> SamplingParams:
    return SamplingParams(
        seed=random.randrange(1 << 40),
        temperature=random.choice((0, 1e-300, 0.7, 1, 1, 1e10)),
        top_k=random.choice((0, 0, 1, 3, 1000)),
        top_p=random.choice((1, 1, 0.5, 1e-300)),
        min_p=random.choice((0, 0, 0.1, 1)),
        repetition_penalty=random.choice((1, 1, 1.2, 1e-3, 100)),
        presence_penalty=random.choice((0, 0, 2)),
        logit_bias=random.choice(((), ((random.randrange(outputs), random.choice((-100, 100, 5))),))),
        allowed_token_ids=random.choice((None, None, (random.randrange(outputs),))),
        logprobs=random.choice((None, None, 0, 3, outputs)),
    )


def _ids(batch: Batch, sequences: list[Sequence], pieces: int) -> list[Ids]:
    """What each sequence chooses, in steps of up to `pieces`."""
    found: dict[int, list[Ids]] = {batch.add(sequence): [] for sequence in sequences}
    unfinished = set(found)
    while unfinished:
        for output in batch.step(pieces):
            found[output.handle].append(output.ids)
            unfinished -= {output.handle} if output.done else set()
    return [np.concatenate([np.zeros(0, np.int32), *parts]) for parts in found.values()]


def _served(random: Random, checkpoint: Checkpoint, isas: tuple[Isa, ...]) -> str:
    """Let every kernel generate the same texts, whose ids must be the network's."""
    sequences, precision = _sequences(random, checkpoint), random.choice(PRECISIONS)
    batches = [CpuEngine(checkpoint, precision, isa).batch(len(sequences)) for isa in isas]
    first, *others = [_ids(batch, sequences, random.choice((1, 5, 100))) for batch in batches]
    for isa, other in zip(isas[1:], others, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(first, other, strict=True)), f"{isas[0]} and {isa} differ"
    for ids in first:
        assert not ids.size or 0 <= ids.min() <= ids.max() < checkpoint.config.outputs, f"ids beyond the outputs: {ids}"
        if checkpoint.following is not None or not checkpoint.arrangement.writes_labels:
            checkpoint.vocabulary.decode(ids[ids < len(checkpoint.vocabulary)])
    return "served"


def _guarded(random: Random, checkpoint: Checkpoint, side: Literal["before", "after"], isas: tuple[Isa, ...]) -> str:
    """Let a kernel generate on arrays with a page beside them that cannot be accessed."""
    sequences, precision = _sequences(random, checkpoint), random.choice(PRECISIONS)
    engine = CpuEngine(checkpoint, precision, random.choice(isas))
    _ids(GuardedBatch(engine, len(sequences), Guard(side)), sequences, random.choice((1, 5, 100)))
    return f"served with a guard {side} each array"


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


def guarded(isas: tuple[Isa, ...] | None = None) -> Any:
    """Only such files as are accepted, more of them hostile in their numbers; in a process that may die."""
    chosen = isas or runnable_isas(host_features())

    def serve(random: Random, checkpoint: Checkpoint) -> str:
        return _guarded(random, checkpoint, random.choice(("before", "after")), chosen)

    return _cases(serve)
