"""What this project makes of the same records with nothing but a budget given: trained by `charrnn train`, measured
with the engine that serves.

`python -m benchmarks.records.networks build/records --minutes 5` prints a row for each data set and seed. It needs two
cores for itself: their speed decides the size of the network. `--set hidden_size=128` tries other settings.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from benchmarks.records.parts import read
from charrnn.checkpoint import Checkpoint
from charrnn.engine.base import Sequence
from charrnn.engine.cpu.batch import CpuEngine
from charrnn.engine.cpu.packing import precision_of
from charrnn.evaluating import evaluate_records
from charrnn.sampling import SamplingParams
from charrnn.tasks.record import Record
from charrnn.tasks.task import Steps
from model_store.store import FOLDER, ModelStore

TASKS = {
    "languages": "classify",
    "source_lines": "classify",
    "names": "classify",
    "token_types": "tag",
    "dates": "transduce",
    "written_names": "generate",
}
"""The task of each data set; `written_names` are `names`, to be written with a label given."""

SEPARATOR = "\x1e"
"""None of the records has it; statements have lines."""

ENOUGH = {"token_types": 2.0, "dates": 2.5}
"""The minutes that suffice for a data set, where these are less than what is given."""

PER_LABEL = 1_000
"""How many records are generated of each label."""


def trained(data: Path, task: str, minutes: float, settings: dict[str, Any]) -> Checkpoint:
    """A network trained on the records in `train.jsonl`."""
    options = [f"--{name.replace('_', '-')}={value}" for name, value in settings.items()]
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [
                *(sys.executable, "-m", "service", "train", data / "train.jsonl", "--model=measured"),
                *(f"--separator={SEPARATOR}", "--format=jsonl", f"--task={task}", f"--minutes={minutes:g}", *options),
            ],
            env={**os.environ, "DATA_DIR": folder},
            check=True,
            stdout=subprocess.DEVNULL,
        )
        return ModelStore(Path(folder) / FOLDER).load("measured", 1)


def measured(checkpoint: Checkpoint, rows: list[dict[str, Any]]) -> str:
    """How good the network is on these records. Characters that were not in the training data are not read; their tags
    count as wrong."""
    vocabulary = checkpoint.vocabulary
    task = checkpoint.arrangement.bound(vocabulary)
    missed = 0

    def steps() -> Iterator[Steps]:
        nonlocal missed
        for row in rows:
            unread = {at for at, _ in vocabulary.encode_known(row["text"])[1]}
            text = "".join(character for at, character in enumerate(row["text"]) if at not in unread)
            tags = row.get("tags")
            if tags is not None:
                tags = tuple(tag for at, tag in enumerate(tags) if at not in unread)
                missed += len(unread)
            yield task.steps([Record(text, row.get("label"), tags, row.get("target"))])

    engine = CpuEngine(checkpoint, precision_of(checkpoint))
    found = evaluate_records(checkpoint, engine, steps())
    assert found is not None
    if "exact_match" in found:
        return f"exact {100 * found['exact_match']:.2f}"
    accuracy = found["accuracy"] * found["compared"] / (found["compared"] + missed)
    return f"accuracy {100 * accuracy:.2f}, macro F1 {100 * found['macro_f1']:.2f}"


def generated(checkpoint: Checkpoint) -> list[dict[str, Any]]:
    """PER_LABEL records of each label, with the seeds 0, 1 and so on."""
    arrangement, vocabulary = checkpoint.arrangement, checkpoint.vocabulary
    engine = CpuEngine(checkpoint, precision_of(checkpoint))
    rows = []
    for label in arrangement.labels:
        batch = engine.batch(PER_LABEL)
        start = arrangement.read(vocabulary.encode(""), vocabulary, label)
        for seed in range(PER_LABEL):
            batch.add(Sequence(start, 100, SamplingParams(seed=seed), end_id=vocabulary.end_id))
        texts = dict.fromkeys(range(PER_LABEL), "")
        order: dict[int, int] = {}
        done = 0
        while done < PER_LABEL:
            for output in batch.step(100):
                at = order.setdefault(output.handle, len(order))
                texts[at] += vocabulary.decode(output.ids)
                done += output.done
        rows += [{"text": text, "label": label} for text in texts.values() if text]
    return rows


def judged(rows: list[dict[str, Any]], known: set[str], classifier: Checkpoint) -> str:
    """What a classifier says of generated records, and how many of them are new and repeated."""
    texts = [row["text"] for row in rows]
    novel = sum(text not in known for text in texts) / len(texts)
    repeated = 1 - len(set(texts)) / len(texts)
    return f"{measured(classifier, rows)}, novel {100 * novel:.1f}, repeated {100 * repeated:.1f}"


def described(checkpoint: Checkpoint) -> str:
    config, record = checkpoint.config, checkpoint.record
    settings = record.settings
    return (
        f"{config.cell} {config.layers}x{config.hidden_size}, {settings['batch_size']} x {settings['segment_length']},"
        f" dropout {settings['dropout']:g}, {record.epochs:.1f} epochs, best step {record.json.get('best_step')} of"
        f" {record.steps}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--only", nargs="+", choices=list(TASKS), default=list(TASKS))
    parser.add_argument("--set", nargs="*", default=[], metavar="NAME=VALUE", help="settings other than the defaults")
    arguments = parser.parse_args()
    settings = dict(each.split("=", 1) for each in arguments.set)
    for seed in arguments.seeds:
        classifier: Checkpoint | None = None
        for name in arguments.only:
            data = arguments.folder / ("names" if name == "written_names" else name) / str(seed)
            began = time.perf_counter()
            minutes = min(arguments.minutes, ENOUGH.get(name, arguments.minutes))
            checkpoint = trained(data, TASKS[name], minutes, {"seed": seed, **settings})
            took = f"{time.perf_counter() - began:.0f} s"
            if name == "names":
                classifier = checkpoint
            if name == "written_names":
                rows = generated(checkpoint)
                (data / "generated.jsonl").write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
                known = {row["text"] for row in read(data, "train")}
                result = judged(rows, known, classifier) if classifier else f"{len(rows)} generated"
            else:
                result = measured(checkpoint, read(data, "test"))
            print(f"{name} {seed}: {result} ({described(checkpoint)}, {took})", flush=True)


if __name__ == "__main__":
    main()
