"""How likely a network that is about to be published finds each of the records that were held out, or each line of the
held-out text."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
import numpy.typing as npt

from charrnn.checkpoint import Checkpoint
from charrnn.engine.cpu.batch import CpuEngine
from charrnn.engine.cpu.packing import precision_of
from charrnn.engine.scoring import scored
from charrnn.held_out_scores import HeldOutScores
from charrnn.surprise import Bits
from charrnn.tasks.task import Task
from charrnn.training.batches import RecordSteps
from charrnn.training.text import Passages
from charrnn.vocabulary import Ids, Vocabulary

MOST: Final = 20_000
"""How many records are measured at most."""
LONGEST: Final = 2000
"""In tokens; of a longer record or line the beginning is measured."""
MOST_TOKENS: Final = 4_000_000
"""How much of a held-out text is searched for lines."""

Check = Callable[[], bool]
"""Returns False to end the measurement with what there is, and may raise to stop all work."""


def lines_of(held_out: Passages, vocabulary: Vocabulary) -> Iterator[Ids]:
    """The ids of whole lines of a held-out text, in the order in which they are to be measured: those of at least two
    tokens, without the known ends of passages, which are parts of lines."""
    lines: list[str] = []
    for passage in held_out.spread(MOST_TOKENS):
        lines += vocabulary.decode(np.asarray(passage, dtype=np.int32)).split("\n")[1:-1]
    for index in _mixed(len(lines)):
        ids, _ = vocabulary.encode_known(lines[index])
        if ids.size > 1:
            yield ids[:LONGEST]


def texts_of(steps: RecordSteps, held_out: npt.NDArray[np.bool_], task: Task) -> Iterator[Ids]:
    """The ids of the texts of held-out records [records], in the order in which they are to be measured; without the
    unknown token, which no network is asked for."""
    records, unknown = np.flatnonzero(held_out), task.vocabulary.unknown_id
    for index in _mixed(records.size):
        start, stop = steps.bounds[records[index] : records[index] + 2].tolist()
        ids = task.text_of(np.asarray(steps.inputs[start:stop], dtype=np.int32))
        yield (ids if unknown is None else ids[ids != unknown])[:LONGEST]


def measure(checkpoint: Checkpoint, texts: Iterator[Ids], check: Check) -> HeldOutScores | None:
    """The scores of at most MOST of the texts; None if there are none. `check` is called many times a second."""
    arrangement, vocabulary = checkpoint.arrangement, checkpoint.vocabulary
    engine = CpuEngine(checkpoint, precision_of(checkpoint))
    found: list[tuple[Bits, int]] = []
    for ended in scored(engine, (arrangement.scored(ids, vocabulary) for ids in texts)):
        found += [(bits, _characters(vocabulary, ids)) for ids, bits in ended]
        if len(found) >= MOST or not check():
            break
    return HeldOutScores.of(found)


def _characters(vocabulary: Vocabulary, ids: Ids) -> int:
    """The characters of the ids after the first; a record's end counts as one."""
    scored_ids = ids[1:]
    marks = int((scored_ids >= vocabulary.text_size).sum())
    return marks + (scored_ids.size - marks if vocabulary.level == "char" else len(vocabulary.decode(scored_ids)))


def _mixed(count: int) -> list[int]:
    """The numbers below `count` in an order without meaning, always the same: what is measured of too many is then like
    the rest."""
    order: list[int] = np.random.default_rng(0).permutation(count).tolist()
    return order
