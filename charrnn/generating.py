"""Text from a checkpoint file in one call, the same as the service gives for the same seed; needs no server and no
torch."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from collections.abc import Sequence as Items
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Literal, TypedDict, Unpack, overload

from charrnn import checkpoint as checkpoints
from charrnn.engine.base import Batch, Sequence
from charrnn.engine.cpu.batch import CpuEngine
from charrnn.engine.cpu.packing import pack, precision_of
from charrnn.parameters import KINDS, parameters
from charrnn.sampling import DEFAULT_LENGTH, DRAWN_SEED_BITS, SamplingParams, choice_seed
from charrnn.stopping import Detokenizer
from charrnn.tasks.arrangement import Arrangement
from charrnn.vocabulary import Vocabulary

STEPS: Final = 256
"""Tokens generated between two checks for stop texts and for Ctrl-C."""

KEPT: Final = 4
"""How many checkpoints, the most recently used, stay loaded."""

SAMPLING: Final = {name: each for name, each in parameters(SamplingParams).items() if name not in ("seed", "logprobs")}


class Options(TypedDict, total=False):
    """For type checkers: the options of `generate` that do not change the type of its result, including those of
    sampling."""

    length: int
    seed: int | None
    stop: str | Items[str]
    include_stop_str_in_output: bool
    min_tokens: int
    echo: bool
    label: str | None
    unknown: Literal["error", "skip"]
    temperature: float
    top_k: int
    top_p: float
    min_p: float
    repetition_penalty: float
    presence_penalty: float
    frequency_penalty: float
    logit_bias: Mapping[int, float] | Items[tuple[int, float]]
    allowed_token_ids: Items[int] | None


@overload
def generate(path: str | os.PathLike[str], prompt: str = ..., *, n: None = ..., **options: Unpack[Options]) -> str: ...


@overload
def generate(path: str | os.PathLike[str], prompt: str = ..., *, n: int, **options: Unpack[Options]) -> list[str]: ...


def generate(
    path: str | os.PathLike[str],
    prompt: str = "",
    *,
    length: int = DEFAULT_LENGTH,
    seed: int | None = None,
    stop: str | Items[str] = (),
    include_stop_str_in_output: bool = False,
    min_tokens: int = 0,
    n: int | None = None,
    echo: bool = False,
    label: str | None = None,
    unknown: Literal["error", "skip"] = "error",
    **sampling: Any,
) -> str | list[str]:
    """The text with which the model in the checkpoint file `path` continues the prompt.

    `length` counts tokens: characters, or words for a word-level model. The same `seed` gives the same text, here and
    from the service; without one, each call draws its own. The text ends before the first of the `stop` texts, or after
    it with `include_stop_str_in_output`; one that ends within the first `min_tokens` tokens is ignored. With `n`, the
    result is a list of that many texts, and the first is the same as without `n`. With `echo`, each begins with the
    prompt. A record of a model of records ends by itself, and may begin with a `label`. `unknown="skip"` drops the
    prompt's unknown characters. `sampling` is any of SamplingParams' fields: temperature, top_k, top_p, min_p,
    repetition_penalty and so on; `logit_bias` may be a mapping of ids to biases.

    Raises FileNotFoundError, CheckpointError for a file that is not a valid checkpoint, UnknownCharactersError,
    ValueError for a value out of bounds, a label that there is not and a model of another task, and TypeError for a
    parameter that does not exist.
    """
    _check(length, 1 if n is None else n, unknown)
    params = _sampling(sampling)
    vocabulary, arrangement, engine = _opened(*_version_of(Path(path)))
    _check_task(arrangement, label)
    ids = vocabulary.encode_known(prompt)[0] if unknown == "skip" else vocabulary.encode(prompt)
    first = secrets.randbits(DRAWN_SEED_BITS) if seed is None else seed
    seeds = [choice_seed(first, index) for index in range(1 if n is None else n)]
    # A record's start, or what is read in place of an empty prompt, is not part of the text.
    read = arrangement.read(ids, vocabulary, label)
    batch = engine.batch(len(seeds))
    end_id = vocabulary.end_id
    handles = [batch.add(Sequence(read, length, replace(params, seed=each), end_id=end_id)) for each in seeds]
    stops = (stop,) if isinstance(stop, str) else tuple(stop)
    detokenizers = {
        handle: Detokenizer(vocabulary, stops, include_stop=include_stop_str_in_output, min_tokens=min_tokens)
        for handle in handles
    }
    texts = [(vocabulary.decode(ids) if echo else "") + text for text in _completed(batch, detokenizers)]
    return texts[0] if n is None else texts


def _completed(batch: Batch, detokenizers: Mapping[int, Detokenizer]) -> list[str]:
    """The text of each sequence of the batch, until its length or a stop text."""
    texts = dict.fromkeys(detokenizers, "")
    while len(batch):
        for output in batch.step(STEPS):
            handle, detokenizer = output.handle, detokenizers[output.handle]
            texts[handle] += detokenizer.feed(output.ids, done=output.done)
            if output.done or detokenizer.stopped:
                batch.remove(handle)
    return list(texts.values())


def _version_of(path: Path) -> tuple[Path, tuple[int, int, int]]:
    """The path and the identity of its current content: a file that replaces another is loaded anew."""
    if not path.exists():
        raise FileNotFoundError(f"there is no checkpoint file {path}")
    stat = path.stat()
    return path.absolute(), (stat.st_ino, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=KEPT)
def _opened(path: Path, _: tuple[int, int, int]) -> tuple[Vocabulary, Arrangement, CpuEngine]:
    checkpoint = checkpoints.load(path)
    return checkpoint.vocabulary, checkpoint.arrangement, CpuEngine(pack(checkpoint, precision_of(checkpoint)))


def _check_task(arrangement: Arrangement, label: str | None) -> None:
    if arrangement.task != "generate":
        raise ValueError(f"a model to {arrangement.task} generates no texts")
    if label is not None and label not in arrangement.label_numbers:
        raise ValueError(f"label must be one of the model's {len(arrangement.labels)} labels, not {label!r}")


def _sampling(given: dict[str, Any]) -> SamplingParams:
    for name in given:
        if name not in SAMPLING:
            known = ", ".join(SAMPLING)
            raise TypeError(f"generate() has no parameter {name!r}; those of sampling are {known}")
    if isinstance(bias := given.get("logit_bias", ()), Mapping):
        given = {**given, "logit_bias": tuple(bias.items())}
    params = SamplingParams(**given)
    for name, declared in SAMPLING.items():
        value = getattr(params, name)
        if declared.type in KINDS and not declared.parameter.holds(value):
            raise ValueError(f"{name} must be {declared.parameter.bounds}, not {value}")
    return replace(params, top_k=max(params.top_k, 0))  # -1, as in the service: all


def _check(length: int, n: int, unknown: str) -> None:
    for name, value in (("length", length), ("n", n)):
        if value < 1:
            raise ValueError(f"{name} must be at least 1, not {value}")
    if unknown not in ("error", "skip"):
        raise ValueError(f"unknown must be 'error' or 'skip', not {unknown!r}")
