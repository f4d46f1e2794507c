"""The request of a training job, validated before anything is stored; knows neither torch nor folders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Annotated, Any, Final

from charrnn.config import ModelConfig
from charrnn.parameters import Parameter, check, choices, parameters
from charrnn.tasks.arrangement import TASK_OF
from charrnn.tasks.record import MAX_DELAY, TaskName
from charrnn.training.config import Budget, TrainingConfig
from charrnn.vocabulary import Level
from model_store.errors import InvalidNameError
from model_store.names import check_name, parse_reference
from model_store.promotion import DEFAULT_POLICY, Promote
from service.training.errors import JobRequestError
from service.training.records.format import RecordFormat

DEFAULT_BUDGET: Final = Budget(minutes=5)

AUTO, NONE = "auto", "none"
"""Instead of a base: the shipped one that helps, if one does; and no base."""

SIZES: Final = tuple(choices(ModelConfig))
SETTINGS: Final = tuple(choices(TrainingConfig))


@dataclass(frozen=True, slots=True)
class JobRequest:
    """The request of a training job, as in `POST /jobs`. `settings` are parameters of ModelConfig and TrainingConfig by
    name; missing ones are chosen automatically, or taken from the `base`. `records` says how the corpus is divided.

    Raises JobRequestError, InvalidNameError.
    """

    corpus: Annotated[str, Parameter("id of the corpus to train on")]
    model: Annotated[str, Parameter("name of the model; an existing one gets a new version")]
    settings: Mapping[str, Any] = field(default_factory=dict)
    level: Annotated[Level | None, Parameter("what a token is: a character (default), or a word")] = None
    budget: Annotated[Budget, Parameter(f"how long to train (default {DEFAULT_BUDGET.minutes:g} minutes)")] = (
        DEFAULT_BUDGET
    )
    base: Annotated[
        str | None,
        Parameter(
            "version of the same sizes to continue training from: name, name@3 or name@alias; `auto` (default): for a"
            " small text the base of this service that helps, if one does; `none`: no base"
        ),
    ] = None
    task: Annotated[
        TaskName,
        Parameter(
            "what the model is to do: `generate` texts, `classify` records, `tag` each token of a record, or"
            " `transduce` a record into another"
        ),
    ] = "generate"
    records: RecordFormat = field(default_factory=RecordFormat)
    delay: Annotated[
        int | None,
        Parameter("how many tokens later a tag is given, so that those in between count", ge=0, le=MAX_DELAY),
    ] = None
    promote: Annotated[Promote, Parameter("whether to make the new version `current`")] = DEFAULT_POLICY

    def __post_init__(self) -> None:
        check_name(self.model)
        self._check_base()
        if unknown := self.settings.keys() - {*SIZES, *SETTINGS}:
            name = min(unknown)
            raise JobRequestError(name, f"{name} is not a parameter of a training job")
        try:
            check(self)
            self.records.check_task(self.task)
            if self.delay is not None and not TASK_OF[self.task].delays:
                raise ValueError(f"delay must be left out for task {self.task}, not {self.delay}")
            ModelConfig(vocabulary_size=1, **self._chosen(SIZES))
            TrainingConfig(self.budget, **self._chosen(SETTINGS))
        except ValueError as error:
            raise JobRequestError.of(error) from error

    def _check_base(self) -> None:
        try:
            if self.base is not None:
                parse_reference(self.base)
        except InvalidNameError as error:
            raise JobRequestError("base", f"base: {error}") from error

    def _chosen(self, names: tuple[str, ...]) -> dict[str, Any]:
        return {name: value for name, value in self.settings.items() if name in names}

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON, the settings beside the other fields, null if one is left open; `from_dict` is its inverse."""
        own = {each.name: getattr(self, each.name) for each in fields(self) if each.name not in ("settings", "records")}
        open_ = dict.fromkeys((*choices(RecordFormat), *SIZES, *SETTINGS))
        return {**own, **open_, **self.records.as_dict(), **self.settings, "budget": self.budget.as_dict()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> JobRequest:
        """The inverse of `as_dict`; fields of later releases are ignored."""
        own = {name: value for name, value in values.items() if name in parameters(cls)}
        own["records"] = _record_format(values)
        settings = {name: values[name] for name in (*SIZES, *SETTINGS) if values.get(name) is not None}
        return cls(**{**own, "settings": settings, "budget": Budget(**values["budget"])})

    @property
    def version(self) -> str | None:
        """The version to continue from, if the request names one; a model called auto or none needs an alias."""
        return None if self.base in (None, AUTO, NONE) else self.base

    @property
    def is_text(self) -> bool:
        """Whether the corpus is one endless text."""
        return self.records.record_unit == "text" and TASK_OF[self.task].writes_text


def _record_format(values: Mapping[str, Any]) -> RecordFormat:
    try:
        return RecordFormat.from_dict(values)
    except ValueError as error:
        raise JobRequestError.of(error) from error
