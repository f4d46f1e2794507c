"""The training record of a version: typed access to plain JSON that is kept unchanged; knows no files and does not
train."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from charrnn.measurements import Evaluation, Reach, number
from charrnn.tasks.arrangement import Arrangement
from charrnn.training.config import FORMER_SPLIT, VALIDATION_SPLITS, ValidationSplit


@dataclass(frozen=True, slots=True)
class TrainingRecord:
    """`json` is the record as stored in a checkpoint file. Releases write different fields, and a file may come from
    anywhere: a field that is missing or has another type reads as None, or as each property says."""

    json: Mapping[str, Any] = field(default_factory=dict)

    def updated(self, **fields: Any) -> TrainingRecord:
        """The record with these fields, in plain JSON, added or replaced."""
        return TrainingRecord({**self.json, **fields})

    @property
    def corpus_sha256(self) -> str | None:
        """The digest of the text that was trained on."""
        return _text(self._section("corpus").get("sha256"))

    @property
    def corpus_format(self) -> Mapping[str, Any]:
        """How that text is divided into records, as far as the training knew; empty if missing."""
        found = self._section("corpus").get("format")
        return found if isinstance(found, Mapping) else {}

    @property
    def settings(self) -> Mapping[str, Any]:
        """`TrainingConfig.as_dict` of the run; empty if missing."""
        return self._section("training")

    @property
    def validation_split(self) -> ValidationSplit | None:
        """Which part of the text was held out; FORMER_SPLIT if missing."""
        given = self.settings.get("validation_split", FORMER_SPLIT)
        return next((split for split in VALIDATION_SPLITS if split == given), None)

    @property
    def held_out_count(self) -> int | None:
        """How many tokens were held out."""
        return _count(self._section("characters").get("validation"))

    @property
    def validated_on(self) -> tuple[object, ...]:
        """Identifies the tokens that the loss was measured on: losses are comparable only where this is equal."""
        count = self._section("characters").get("validation")
        split = self.settings.get("validation_split", FORMER_SPLIT)
        task = (self.json.get("task", "generate"), self.json.get("unit", "text"), self.json.get("delay", 0))
        labels = self.json.get("labels", [])
        return self._section("corpus").get("sha256"), count, split, self.json.get("level", "char"), *task, labels

    @property
    def steps(self) -> int:
        """How many steps were taken; 0 if missing."""
        return _count(self.json.get("steps")) or 0

    @property
    def epochs(self) -> float:
        """How often the text was read; 0 if missing."""
        return number(self.json.get("epochs")) or 0.0

    @property
    def validation_loss(self) -> float | None:
        """Of the weights, on the held-out text, in nats per token."""
        return number(self.json.get("validation_loss"))

    @property
    def bits_per_character(self) -> float | None:
        """The same in bits, per character also where tokens are words."""
        return number(self.json.get("bits_per_character"))

    @property
    def prompt(self) -> str | None:
        """A prompt that suits the version."""
        return _text(self.json.get("prompt"))

    @property
    def warnings(self) -> tuple[str, ...]:
        """Warnings about the result, a sentence each."""
        return tuple(each for each in _list(self.json.get("warnings")) if isinstance(each, str))

    @property
    def evaluations(self) -> tuple[Evaluation, ...]:
        """The evaluations that can be read, in order."""
        read = map(Evaluation.read, _list(self.json.get("evaluations")))
        return tuple(each for each in read if each is not None)

    @property
    def gradients(self) -> tuple[Reach, ...]:
        """How far back gradients reached before training and at the end; empty if either cannot be read."""
        read = [Reach.read(each) for each in _list(self.json.get("gradients"))]
        found = tuple(each for each in read if each is not None)
        return found if len(found) == len(read) <= 2 else ()

    @property
    def arrangement(self) -> Arrangement:
        """The task, unit and labels. Raises ValueError, TypeError if there are any that do not fit together."""
        return Arrangement.of(self.json)

    @property
    def precision(self) -> str | None:
        """The precision that was measured to be close enough to the network in float32."""
        return _text(self._section("fidelity").get("precision"))

    def _section(self, name: str) -> Mapping[str, Any]:
        section = self.json.get(name)
        return section if isinstance(section, Mapping) else {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _count(value: Any) -> int | None:
    return value if type(value) is int and value >= 0 else None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
