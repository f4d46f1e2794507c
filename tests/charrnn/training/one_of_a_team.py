"""What each process does in the test of training with several: trains, and writes what came of it as JSON.

`torchrun --nproc-per-node 2 one_of_a_team.py FOLDER`."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

from charrnn.config import ModelConfig
from charrnn.marks import MarkedVocabulary
from charrnn.tasks.arrangement import Arrangement
from charrnn.tasks.record import Record, TaskName
from charrnn.training.batches import RecordSteps
from charrnn.training.config import Budget, TrainingConfig
from charrnn.training.data import TrainingText
from charrnn.training.parallel import Team, launched
from charrnn.training.record_data import TrainingRecords
from charrnn.vocabulary import Vocabulary
from tests.charrnn.training.brief import Clock, brief

TEXT = "".join(f"{n} bottles of beer on the wall, {n} bottles of beer.\n" for n in range(60))


def train(team: Team, device: str) -> dict[str, Any]:
    """What comes of a budget in steps and of one in minutes, for which each process has a clock of its own."""
    vocabulary = Vocabulary.of([TEXT])
    config = ModelConfig(len(vocabulary), "gru", hidden_size=16, embedding_size=8)  # in float32 everywhere
    results: dict[str, Any] = {}
    for name, budget in (("steps", Budget(steps=24)), ("minutes", Budget(minutes=0.5))):
        training = TrainingConfig(budget, segment_length=16, batch_size=5, dropout=0.2, seed=3)
        text = TrainingText(vocabulary.encode(TEXT), vocabulary)
        trainer = brief(config, training, text, team=team, device=device, clock=Clock(1 + team.rank / 2))
        for _ in trainer.run():
            pass
        checkpoint, state = trainer.checkpoint(), trainer.state()
        hidden = state.tensors["hidden/"].ravel().tolist()
        results[name] = {"digest": checkpoint.digest, "record": checkpoint.record.json, "hidden": hidden}
    tasks: tuple[TaskName, ...] = ("transduce", "classify")
    for task in tasks:
        results[task] = _trained_on_records(task, team, device)
    return results


def _trained_on_records(task: TaskName, team: Team, device: str) -> dict[str, Any]:
    """The same of records, of which most are longer than a segment: some segments have no target."""
    arrangement = Arrangement(task, "line", "\n", ("even", "odd") if task == "classify" else ())
    lines = TEXT.splitlines()
    vocabulary = arrangement.vocabulary(Vocabulary.of(lines))
    assert isinstance(vocabulary, MarkedVocabulary)
    records = [Record(line, ("even", "odd")[n % 2], target=line[:3]) for n, line in enumerate(lines)]
    steps = arrangement.bound(vocabulary).steps(records)
    bounds = np.cumsum([0, *steps.sizes])
    counted = np.add.reduceat(steps.targets >= 0, bounds[:-1])
    source = TrainingRecords(
        RecordSteps(steps.inputs, steps.targets, bounds, counted), np.arange(60) % 6 == 0, vocabulary, arrangement
    )
    size = arrangement.output_size(vocabulary)
    config = ModelConfig(len(vocabulary), "gru", hidden_size=16, embedding_size=8, output_size=size)
    training = TrainingConfig(Budget(steps=24), segment_length=16, batch_size=5, dropout=0.2, seed=3)
    trainer = brief(config, training, source, team=team, device=device)
    for _ in trainer.run():
        pass
    return {"digest": trainer.checkpoint().digest, "record": trainer.checkpoint().record.json}


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    with launched() as (team, device):
        (folder / f"{team.rank}.json").write_text(json.dumps(train(team, device)))
        torch.distributed.barrier()
        # Gloo now and then aborts a process that takes its groups down ("terminate called without an active
        # exception"); what is tested here is all written.
        os._exit(0)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
