"""Networks of every kind and size, hostile in their numbers, and what they may be asked for; knows no files."""

from __future__ import annotations

import warnings
from dataclasses import replace
from functools import cache
from random import Random
from typing import Any, Final

import numpy as np

from charrnn.checkpoint import Checkpoint
from charrnn.checkpoint_checks import LARGEST_WEIGHT
from charrnn.config import CELLS, ModelConfig, Part
from charrnn.engine.base import Batch, Sequence, State
from charrnn.engine.cpu.instructions import Precision
from charrnn.engine.steering import Held
from charrnn.patterns.automaton import Fit
from charrnn.record import TrainingRecord
from charrnn.sampling import RECENT_IDS, SamplingParams
from charrnn.tasks.arrangement import TEXT, Arrangement
from charrnn.vocabulary import Ids, Vocabulary
from charrnn.words import WordVocabulary
from tests.charrnn.engine.automata import fits, random_automaton
from tests.networks import random_network, with_counts

Tensors = dict[str, np.ndarray[Any, Any]]

PRECISIONS: Final[tuple[Precision, ...]] = ("int8", "float32")
CHARACTERS: Final = Vocabulary("\n 'abcde\u00e9\u4e00\U0001f600")
SIZES: Final = (1, 2, 15, 16, 17, 31, 32, 33, 63, 64, 65, 96, 97, 255, 256, 257, 4095, 4096, 4097)
"""Of vocabularies: around what vectors, groups of outputs and stretches of probabilities hold."""
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


@cache
def base(number: int) -> Checkpoint:
    """One of many sound checkpoints, small ones of every kind."""
    random = np.random.default_rng(number)
    arrangement = ARRANGEMENTS[number % len(ARRANGEMENTS)]
    vocabulary = arrangement.vocabulary(WORDS if number % 4 == 3 else CHARACTERS)
    sizes = {"hidden_size": int(random.choice([1, 5, 16, 17, 33])), "layers": int(random.integers(1, 4))}
    sizes |= {"embedding_size": int(random.choice([0, 0, 3])), "output_size": arrangement.output_size(vocabulary)}
    config = ModelConfig(len(vocabulary), CELLS[number % len(CELLS)], **sizes)
    weights = {name: random.normal(0, 0.5, shape).astype(np.float32) for name, shape in config.shapes().items()}
    record = {"validation_loss": 1.5, "steps": 100, "corpus": {"sha256": "0" * 64}, "training": {"hidden_size": 5}}
    made = Checkpoint(config, vocabulary, weights, TrainingRecord({**record, **arrangement.as_dict()}))
    return with_counts(made, 2000) if arrangement.task == "generate" and number % 3 == 0 else made


NUMBERS: Final = (
    *(float("nan"), float("inf"), -float("inf"), 3.4e38, -3.4e38, 1e9, -1e9, 1.1e9, 1e20, 1e-45, -1e-40, 1e-30),
    *(0.0, -0.0, 127.0, 1e6, -1e8, 1.0),
)


def put_odd_numbers(random: Random, tensors: Tensors) -> None:
    for name in random.sample(sorted(tensors), random.randint(1, min(3, len(tensors)))):
        flat = tensors[name].reshape(-1)
        if not flat.size:
            continue
        if flat.dtype.kind == "u":
            _put_odd_integers(random, flat)
            continue
        kind, number = random.randrange(4), random.choice(NUMBERS)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what overflows is to be infinite here
            if kind == 0:
                flat[:] = number
            elif kind == 1:
                flat[:] = flat * random.choice((1e3, -1e6, 1e-38, 1e38))
            else:
                for _ in range(random.choice((1, 2, 10))):
                    flat[random.randrange(flat.size)] = number


def _put_odd_integers(random: Random, flat: np.ndarray[Any, Any]) -> None:
    """Other keys or ids of an n-gram table, out of order, twice, or beyond all bounds."""
    largest = int(np.iinfo(flat.dtype).max)
    kind, number = random.randrange(4), random.choice((0, 1, 5, 255, 65_535, 1 << 30, 1 << 31, largest))
    if kind == 0:
        flat[:] = min(largest, number)
    elif kind == 1:
        flat[:] = flat[::-1].copy()
    elif kind == 2:
        flat[:] = np.arange(flat.size)
    else:
        flat[random.randrange(flat.size)] = min(largest, number)


def extreme(random: Random) -> Checkpoint:
    """A network of any size and task, with the largest numbers that a checkpoint may have."""
    if random.random() < 0.4:
        checkpoint = base(random.randrange(60))
    else:
        tokens = Vocabulary("".join(chr(0x4E00 + i) for i in range(random.choice(SIZES))))
        arrangement = random.choice((TEXT, *ARRANGEMENTS))
        sizes = random.choice((1, 15, 16, 17, 64, 65)), random.choice((1, 2, 3))
        checkpoint = random_network(tokens, random.choice(CELLS), *sizes, arrangement=arrangement)
        if arrangement.task == "generate" and random.random() < 0.4:
            checkpoint = with_counts(checkpoint, random.choice((30, 300, 3000)))
    weights = {name: weight.copy() for name, weight in checkpoint.weights.items()}
    if random.random() < 0.7:
        put_odd_numbers(random, weights)
    for weight in weights.values():
        np.nan_to_num(weight, copy=False)
        np.clip(weight, -LARGEST_WEIGHT, LARGEST_WEIGHT, out=weight)
    ngrams = checkpoint.ngrams
    if ngrams is not None and random.random() < 0.5:
        odds = np.full_like(ngrams.odds, random.choice((65_504, 6e-8, 1)))
        ngrams = replace(ngrams, odds=odds)
    return replace(checkpoint, weights=weights, ngrams=ngrams)


def sequences(random: Random, checkpoint: Checkpoint) -> list[Sequence]:
    """Some texts that the network may be asked for."""
    config = checkpoint.config
    length = 1 if config.outputs > config.vocabulary_size else 12
    return [
        Sequence(
            np.array([random.randrange(config.vocabulary_size) for _ in range(random.randint(1, 5))], dtype=np.int32),
            length,
            sampling(random, config.outputs),
            score=random.random() < 0.3,
            end_id=random.choice((None, random.randrange(config.outputs))),
        )
        for _ in range(random.choice((1, 2, 5)))
    ]


def fitted(random: Random, outputs: int, sequence: Sequence) -> Sequence:
    """The sequence, which may have to fit a small automaton that it can fit."""
    numbers = np.random.default_rng(random.randrange(1 << 30))
    allowed = range(outputs) if sequence.sampling.allowed_token_ids is None else sequence.sampling.allowed_token_ids
    among = {id_ for id_ in allowed if id_ != sequence.end_id}
    automaton = random_automaton(numbers, outputs, among)
    state = random.randrange(len(automaton))
    if random.random() < 0.5 or automaton.distances[state] > sequence.length:
        return sequence
    return replace(sequence, fit=Fit(automaton, state))


def sampling(random: Random, outputs: int) -> SamplingParams:
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


def chosen_ids(batch: Batch, sequences: list[Sequence], pieces: int) -> list[Ids]:
    """What each sequence chooses, in steps of up to `pieces`."""
    found: dict[int, list[Ids]] = {batch.add(sequence): [] for sequence in sequences}
    unfinished = set(found)
    while unfinished:
        for output in batch.step(pieces):
            found[output.handle].append(output.ids)
            unfinished -= {output.handle} if output.done else set()
    return [np.concatenate([np.zeros(0, np.int32), *parts]) for parts in found.values()]


def check_fits(sequences: list[Sequence], texts: list[Ids]) -> None:
    """Whatever the numbers are, each text fits what its sequence has to, its end apart."""
    for sequence, ids in zip(sequences, texts, strict=True):
        if (fit := sequence.fit) is not None:
            text = ids[:-1] if ids.size and ids[-1] == sequence.end_id else ids
            assert fits(fit.automaton, text, fit.state), f"{ids} does not fit"


def state(random: Random, config: ModelConfig) -> State:
    """A state with the largest numbers that one may have."""
    numbers = np.random.default_rng(random.randrange(1 << 30))
    hidden = numbers.normal(0, random.choice((0.3, 1, 1e3, 1e7)), config.state_shape).clip(-(1 << 25), 1 << 25)
    count = random.choice((0, 1, 5, RECENT_IDS))
    recent = numbers.integers(0, config.vocabulary_size, count).astype(np.int32)
    last = random.randrange(config.vocabulary_size)
    return State(hidden.astype(np.float32), last, 1 << 40, recent, np.ones(count, dtype=np.bool_))


def steered(random: Random, config: ModelConfig, sequence: Sequence) -> Sequence:
    """The sequence, which may go on from a state and hold cells."""
    begin, count = random.choice((None, state(random, config))), random.choice((0, 9))
    cells = {(random.randrange(config.layers), random.randrange(config.hidden_size)) for _ in range(count)}
    part: Part = "cell" if config.cell == "lstm" and random.random() < 0.5 else "hidden"
    held = tuple(Held(layer, unit, part, random.choice((-1, 0.3, 1))) for layer, unit in sorted(cells))
    return replace(sequence, state=begin, held=held, steered=random.choice((0, len(sequence.prompt))))
