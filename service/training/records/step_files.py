"""The files of records' steps: written in one pass over the records, and memory-mapped; knows no corpus."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
import numpy.typing as npt

from charrnn.fingerprints import fingerprints
from charrnn.tasks.record import Record
from charrnn.tasks.task import Steps, Task
from durable import files
from service.training.errors import RecordsError
from service.training.records.reading import batches

NO_LABEL: Final = -1

Check = Callable[[], None]
Kinds = dict[str, tuple[str, int]]
"""The type and the number of elements of each file, by its name."""
Digests = dict[str, str]
"""The SHA-256 of each file, in hexadecimal, by its name."""


def mapped(folder: Path, kinds: Kinds, digests: Digests) -> dict[str, npt.NDArray[Any]]:
    """The arrays in the files of a folder, mapped read-only. Raises OSError, TypeError, and ValueError if a file has
    another size, or not its digest."""
    return {name: _map(folder / name, *kind, digests.get(name)) for name, kind in kinds.items()}


def _map(path: Path, dtype: str, length: int, digest: str | None) -> npt.NDArray[Any]:
    with files.opened(path) as file:
        if os.fstat(file.fileno()).st_size != length * np.dtype(dtype).itemsize:
            raise ValueError(f"{path.name} does not have {length} elements")
        array = np.memmap(file, dtype=dtype, mode="r", shape=(length,))
    if digest is not None and hashlib.sha256(array.data).hexdigest() != digest:
        raise ValueError(f"{path.name} does not match its digest")
    return array


class StepsWriter:
    """Writes the steps of records, for a task and a network with so many `outputs`: the arrays of a RecordSteps, and
    `hashes` and `labels`, as in CorpusRecords."""

    def __init__(self, task: Task, outputs: int) -> None:
        self._task = task
        self._types: Mapping[str, np.dtype[Any]] = {
            "inputs": np.min_scalar_type(len(task.vocabulary) - 1),
            "targets": np.min_scalar_type(-max(2, outputs, task.vocabulary.text_size + 1)),
            "bounds": np.dtype(np.int64),
            "counted": np.dtype(np.int32),
            "hashes": np.dtype(np.uint64),
            "labels": np.dtype(np.int32),
        }
        self._lengths = dict.fromkeys(self._types, 0)
        self._digests = {name: hashlib.sha256() for name in self._types}

    def write(self, folder: Path, records: Iterable[Record], check: Check) -> tuple[Kinds, Digests]:
        """Write the files; `check` is called several times a second. Raises what `check` and the records raise, and
        RecordsError for a label that the task does not have."""
        with ExitStack() as stack:
            opened = {name: stack.enter_context((folder / name).open("xb")) for name in self._types}
            self._put(opened, "bounds", [0])
            for batch in batches(records):
                check()
                self._batch(opened, batch)
            for file in opened.values():
                file.flush()
                os.fsync(file.fileno())
        kinds = {name: (kind.str, self._lengths[name]) for name, kind in self._types.items()}
        return kinds, {name: digest.hexdigest() for name, digest in self._digests.items()}

    def _batch(self, opened: Mapping[str, BinaryIO], batch: list[Record]) -> None:
        steps = self._steps(batch)
        ends = np.cumsum(steps.sizes)
        counts = np.concatenate([[0], np.cumsum(steps.targets >= 0)])
        self._put(opened, "bounds", self._lengths["inputs"] + ends)
        self._put(opened, "inputs", steps.inputs)
        self._put(opened, "targets", np.maximum(steps.targets, -1))
        self._put(opened, "counted", counts[ends] - counts[ends - steps.sizes])
        self._put(opened, "hashes", fingerprints(record.text for record in batch))
        known = self._task.labels
        numbers = [NO_LABEL if record.label is None else known[record.label] for record in batch]
        self._put(opened, "labels", numbers)

    def _steps(self, batch: list[Record]) -> Steps:
        try:
            return self._task.steps(batch)
        except KeyError as error:  # the corpus changed between two passes
            raise RecordsError(f"there is no label {error}") from error

    def _put(self, opened: Mapping[str, BinaryIO], name: str, values: Any) -> None:
        array = np.asarray(values, dtype=self._types[name])
        data = array.tobytes()
        opened[name].write(data)
        self._digests[name].update(data)
        self._lengths[name] += array.size
