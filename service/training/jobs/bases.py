"""The base of a job, the version that it continues from: resolved, pinned, and checked against the job's request; knows
no training."""

from __future__ import annotations

from dataclasses import dataclass

from charrnn.checkpoint import Checkpoint
from durable.reading import DamagedFileError
from model_store.errors import StoreError
from model_store.names import parse_reference
from model_store.store import ModelStore
from service.training.errors import JobRequestError
from service.training.jobs.requests import SIZES, JobRequest


@dataclass(frozen=True, slots=True)
class Base:
    """A version as named in a job's plan and in the training record."""

    model: str
    version: int
    digest: str

    def load(self, store: ModelStore) -> Checkpoint:
        """The version's checkpoint. Raises JobRequestError if it is no longer the pinned one, StoreError."""
        checkpoint = store.load(self.model, self.version)
        if checkpoint.digest != self.digest:
            raise JobRequestError(
                "base", f"base {self.model}@{self.version} is not the version that the job began with"
            )
        return checkpoint


def find_base(request: JobRequest, store: ModelStore) -> tuple[Base, Checkpoint] | None:
    """The version that the request's `base` refers to now, if it has one.

    Raises JobRequestError when there is no such version, or when the request asks for another level, cell, size, task,
    unit, separator or delay.
    """
    if request.version is None:
        return None
    try:
        name, selector = parse_reference(request.version)
        version = store.resolve(name, selector)
        checkpoint = store.load(name, version)
    except (StoreError, DamagedFileError) as error:
        raise JobRequestError("base", f"base: {error}") from error
    _check_agreement(request, checkpoint)
    return Base(name, version, checkpoint.digest), checkpoint


def _check_agreement(request: JobRequest, base: Checkpoint) -> None:
    own = base.arrangement
    fixed = {name: getattr(base.config, name) for name in SIZES} | {"level": base.vocabulary.level}
    fixed |= {"task": own.task, "unit": own.unit, "separator": repr(own.separator), "delay": own.delay}
    given = {**request.settings, "level": request.level, "task": request.task, "delay": request.delay}
    if request.is_text or request.records.record_unit != "text":  # or else the file decides
        given |= {"unit": request.records.record_unit, "separator": repr(request.records.record_separator)}
    for name, value in fixed.items():
        asked = given.get(name)
        if asked not in (None, value):
            raise JobRequestError(name, f"{name} must be {value}, as in the base {request.base}, not {asked}")
