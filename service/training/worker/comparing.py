"""Compares what is trained on with what is held out, and a network's texts with both: numbers for its training record
beside which its loss can be judged. They depend neither on the machine nor on its load."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from charrnn.checkpoint import Checkpoint
from charrnn.copying import LEAST, copied, lines_of
from charrnn.engine.base import Sequence
from charrnn.engine.cpu.batch import CpuEngine
from charrnn.engine.cpu.packing import precision_of
from charrnn.sampling import SamplingParams
from charrnn.training.config import Budget, TrainingConfig
from charrnn.training.data import TrainingText
from charrnn.training.record_data import TrainingRecords
from charrnn.training.samples import TEMPERATURE
from charrnn.training.text import Passages, split
from charrnn.vocabulary import Vocabulary
from charrnn.yardsticks import yardsticks
from service.training.worker.held_out import texts_of

TOKENS_A_SECOND: Final = 8_000
"""What is compared has at most so many tokens for each second of the budget: that takes about a hundredth of the time
on two idle cores, most of it xz's."""

MOST: Final = 5_000_000
"""The maximum of that number, and what it is for budgets in steps and epochs."""

SEQUENCES, LENGTH = 32, 1000
"""How many texts are generated to look for lines of the corpus in them, and their length in tokens."""

FEW_LINES: Final = 20
"""Of fewer lines a share says little, and there is no warning."""

MAX_SHARE: Final = 0.1
"""The share of lines that may stand in the corpus without a warning."""

Comparison = dict[str, Any]
"""Plain JSON: `yardsticks`, `held_out_lines`, `generated_lines`, as far as they can be measured."""

_FOUND: Final = {
    "held_out_lines": "held-out lines of {least} characters or more stand in the training text word for word: the"
    " validation loss is lower than on a new text.",
    "generated_lines": "generated lines of {least} characters or more stand in the corpus word for word.",
}


def compared(source: TrainingText | TrainingRecords, config: TrainingConfig) -> Comparison:
    """What can be said before the training: the `yardsticks`, and of a text how many of the `held_out_lines` stand in
    the part that is trained on."""
    most = _most(config.budget)
    if isinstance(source, TrainingRecords):
        texts = (_records(source, held, most) for held in (~source.held_out, source.held_out))
        return _measured(*texts) if source.task.writes_text else {}
    parts = split(source.ids, config.validation_fraction, config.segment_length, config.validation_split)
    training, held_out = (_texts(source.vocabulary, part.spread(most)) for part in parts)
    lines = [line for passage in held_out for line in lines_of(passage)]
    return _measured("".join(training), "".join(held_out)) | _counted("held_out_lines", lines, training)


def with_comparison(checkpoint: Checkpoint, before: Comparison, source: TrainingText | TrainingRecords) -> Checkpoint:
    """The checkpoint with the comparison, and the warnings that follow from it, in its record: what was known `before`
    the training, and of a text how many of the `generated_lines` stand in it, in texts with fixed seeds at the
    temperature of samples, unless its record says so already."""
    record, comparison = checkpoint.record, dict(before)
    if isinstance(source, TrainingText):
        kept = record.json.get("generated_lines")
        comparison |= generated_lines(checkpoint, source) if kept is None else {"generated_lines": kept}
    warnings = [*record.warnings, *warnings_of(comparison)]
    return checkpoint.with_record(record.updated(**comparison, warnings=warnings))


def generated_lines(checkpoint: Checkpoint, source: TrainingText) -> Comparison:
    """How many lines there are in texts with fixed seeds at the temperature of samples, and how many of them stand in
    the text that was trained on; nothing if there are none."""
    budget = TrainingConfig.from_dict(dict(checkpoint.record.settings)).budget
    passages = _texts(source.vocabulary, Passages(source.ids).spread(_most(budget)))
    return _counted("generated_lines", _generated_lines(checkpoint), passages)


def warnings_of(comparison: Comparison) -> list[str]:
    """A sentence for each share of lines that is too large to go without saying."""
    return [
        f"{counts['copied']:,} of {counts['lines']:,} {sentence.format(least=LEAST)}"
        for kind, sentence in _FOUND.items()
        if (counts := comparison.get(kind))
        and counts["lines"] >= FEW_LINES
        and counts["copied"] > MAX_SHARE * counts["lines"]
    ]


def _measured(training: str, held_out: str) -> Comparison:
    return {"yardsticks": yardsticks(training, held_out).as_dict()} if held_out else {}


def _counted(kind: str, lines: list[str], passages: list[str]) -> Comparison:
    """How many lines there are, and how many of them stand in the passages."""
    return {kind: {"lines": len(lines), "copied": int(copied(lines, passages).sum())}} if lines else {}


def _generated_lines(checkpoint: Checkpoint) -> list[str]:
    vocabulary = checkpoint.vocabulary
    batch = CpuEngine(checkpoint, precision_of(checkpoint)).batch(SEQUENCES)
    for seed in range(SEQUENCES):
        start = np.array([vocabulary.start_id], dtype=np.int32)
        batch.add(Sequence(start, LENGTH, SamplingParams(seed=seed, temperature=TEMPERATURE)))
    outputs = batch.step(LENGTH + 1)
    return [line for output in outputs for line in lines_of(vocabulary.decode(output.ids))]


def _texts(vocabulary: Vocabulary, passages: Passages) -> list[str]:
    return [vocabulary.decode(np.asarray(passage, dtype=np.int32)) for passage in passages]


def _records(records: TrainingRecords, chosen: Any, most: int) -> str:
    """Their texts, a line each."""
    found, size = [], 0
    for ids in texts_of(records.steps, chosen, records.task):
        found.append(records.vocabulary.decode(ids) + "\n")
        size += len(found[-1])
        if size >= most:
            break
    return "".join(found)


def _most(budget: Budget) -> int:
    """How many tokens of each part are compared at most."""
    return MOST if budget.minutes is None else min(MOST, int(60 * budget.minutes * TOKENS_A_SECOND))
