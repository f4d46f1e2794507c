"""From a request to what training needs: decides the plan of a job, and prepares the text and the base named in the
plan; stores nothing and does not train."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from charrnn.checkpoint import Checkpoint
from charrnn.config import ModelConfig
from charrnn.measurements import bits
from charrnn.training.config import TrainingConfig
from charrnn.training.defaults import defaults_for
from charrnn.training.machine import reference_budget
from charrnn.training.text import Passages, TextIds
from charrnn.vocabulary import Level, Vocabulary
from model_store.store import ModelStore
from service.training.corpora.corpus import Corpus
from service.training.corpora.ids import Check, ids
from service.training.corpora.store import CorpusStore
from service.training.errors import JobRequestError
from service.training.jobs.bases import find_base
from service.training.jobs.plan import Plan
from service.training.jobs.requests import SIZES, JobRequest
from service.training.worker.fidelity import MAX_CHARACTERS as MAX_MEASURED


@dataclass(frozen=True, eq=False, slots=True)
class Preparation:
    """All that a trainer needs; `characters` is the length of the whole text, `corpus` what the training record is to
    say about it."""

    config: ModelConfig
    training: TrainingConfig
    vocabulary: Vocabulary
    token_ids: TextIds
    characters: int
    corpus: dict[str, Any]
    base: Checkpoint | None
    base_reference: dict[str, Any] | None

    @property
    def characters_per_token(self) -> float:
        """1 unless tokens are words."""
        return self.characters / len(self.token_ids)

    def measured_on(self, held_out: Passages) -> TextIds:
        """Some of the held-out text (if there is none, of the whole text), without the unknown token."""
        some = (held_out if len(held_out) else Passages(self.token_ids)).spread(MAX_MEASURED)
        ids, unknown = some.read(0, len(some)), self.vocabulary.unknown_id
        return ids if unknown is None else ids[ids != unknown]

    def described(self, checkpoint: Checkpoint) -> Checkpoint:
        """The checkpoint with a training record completed by what only the job knows."""
        more: dict[str, Any] = {}
        if self.vocabulary.level != "char":
            more["level"] = self.vocabulary.level
            more["characters_per_token"] = self.characters_per_token
            per_token = bits(checkpoint.record.validation_loss)
            more["bits_per_character"] = None if per_token is None else per_token / self.characters_per_token
        if self.base_reference is not None:
            more["base"] = self.base_reference
        return checkpoint.with_record(checkpoint.record.updated(**more))


def decide(
    request: JobRequest, corpus: Corpus, corpora: CorpusStore, store: ModelStore, check: Check, *, device: str
) -> Plan:
    """Decide the plan of a job. What the request leaves open gets a default, which depends on the text and, for a
    budget in minutes, on the measured speed of the `device`.

    `check` is called several times a second and may raise to stop the work. Raises CorpusNotFoundError, JobRequestError
    when the text is too short or does not suit the base.
    """
    pinned, base = find_base(request, store) or (None, None)
    level = base.vocabulary.level if base else request.level or "char"
    vocabulary, token_ids = ids(corpora, corpus, level, base.vocabulary if base else None, check)
    _check_length(len(token_ids), request, level)
    sizes = {name: getattr(base.config, name) for name in SIZES} if base else {}
    chosen = {**request.settings, **sizes}
    worth = reference_budget(request.budget, device)
    model, training = defaults_for(len(token_ids), len(vocabulary), worth, chosen)
    return Plan(
        model=model,
        training=TrainingConfig(request.budget, **training).as_dict(),
        corpus={"name": corpus.name, "sha256": corpus.sha256},
        level=level,
        base=pinned,
    )


def prepare(plan: Plan, corpus: Corpus, corpora: CorpusStore, store: ModelStore, check: Check) -> Preparation:
    """All that the trainer needs to execute the plan; `check` as for `decide`.

    Raises CorpusNotFoundError, and JobRequestError or StoreError if the base is no longer that of the plan.
    """
    base = plan.base.load(store) if plan.base else None
    vocabulary, token_ids = ids(corpora, corpus, plan.level, base.vocabulary if base else None, check)
    return Preparation(
        config=ModelConfig(vocabulary_size=len(vocabulary), **plan.model),
        training=TrainingConfig.from_dict(plan.training),
        vocabulary=vocabulary,
        token_ids=token_ids,
        characters=corpus.characters,
        corpus=plan.corpus,
        base=base,
        base_reference=asdict(plan.base) if plan.base else None,
    )


def _check_length(length: int, request: JobRequest, level: Level) -> None:
    """Check the number of tokens: enough characters can still be too few words."""
    segment_length = request.settings.get("segment_length", 0)
    needed = max(2, segment_length + 1)
    if length < needed:
        kind = "characters" if level == "char" else "words, punctuation marks and spaces"
        reason = f" with segment_length {segment_length}" if segment_length else ""
        message = f"corpus has {length} {kind}; at least {needed} are needed to train on it{reason}"
        raise JobRequestError("corpus", message)
