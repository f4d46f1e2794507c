"""Whether a model has the task that a request needs, and the label that it names; knows no HTTP."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Final

from charrnn.tasks.record import TaskName
from charrnn.wording import count
from service.generation.resident import ResidentModel

ROUTES: Final[dict[TaskName, str]] = {
    "generate": "POST /generate",
    "classify": "POST /classify",
    "tag": "POST /tag",
    "transduce": "POST /transduce",
}
"""The route of each task, which the error for a model of another task names."""

CLOSEST: Final = 5


class WrongTaskError(ValueError):
    """The model's task or unit is not one of those that the request is for; the message names the route that is."""

    def __init__(self, model: ResidentModel) -> None:
        task = model.arrangement.task
        kind = "continues one endless text, without records" if model.arrangement.is_text else f"is a model to {task}"
        super().__init__(f"{model.name} version {model.version} {kind}: ask {ROUTES[task]}")


class SeparatorError(ValueError):
    """A text has the separator that stands between the model's records, so it is more than one."""

    def __init__(self, text: str, model: ResidentModel) -> None:
        separator = model.arrangement.separator
        super().__init__(
            f"it has the separator of the model's records, {separator!r}, at {text.index(separator)}: a record ends"
            " by itself"
        )


class UnknownLabelError(ValueError):
    """The model has no such label; the message lists the closest and says how many there are."""

    def __init__(self, label: str, model: ResidentModel) -> None:
        labels = model.arrangement.labels
        self.closest = get_close_matches(label, labels, CLOSEST, 0.4) or list(labels[:CLOSEST])
        shown = ", ".join(map(repr, self.closest))
        known = f"the closest of {count(len(labels), 'label')}: {shown}" if labels else "it was trained without labels"
        super().__init__(f"{model.name} version {model.version} has no label {label[:200]!r}; {known}")


def check_task(model: ResidentModel, *tasks: TaskName) -> None:
    """Raises WrongTaskError if the model has none of these tasks."""
    if model.arrangement.task not in tasks:
        raise WrongTaskError(model)


def check_records(model: ResidentModel) -> None:
    """Raises WrongTaskError if the model does not generate records."""
    check_task(model, "generate")
    if model.arrangement.is_text:
        raise WrongTaskError(model)


def check_record(model: ResidentModel, text: str) -> None:
    """Raises SeparatorError if the text would be more than one record that the model generates; the records of other
    tasks may have any characters."""
    arrangement = model.arrangement
    if arrangement.task != "generate" or not arrangement.separator or arrangement.separator not in text:
        return
    if not _has_lines(model):
        raise SeparatorError(text, model)


def _has_lines(model: ResidentModel) -> bool:
    """Whether the model's records themselves have line ends: those of a file with fields may, unless it was asked for
    lines, and then they are part of the vocabulary."""
    return model.arrangement.unit == "line" and not model.vocabulary.encode_known(model.arrangement.separator)[1]


def check_label(model: ResidentModel, label: str | None) -> None:
    """Raises UnknownLabelError if the label is given and not one that the model was trained with."""
    if label is not None and label not in model.arrangement.label_numbers:
        raise UnknownLabelError(label, model)
