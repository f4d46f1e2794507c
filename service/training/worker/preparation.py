"""From a request to what training needs: decides the plan of a job, and prepares the text and the base named in the
plan; stores nothing and does not train."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from charrnn.checkpoint import Checkpoint
from charrnn.config import ModelConfig
from charrnn.measurements import bits
from charrnn.novelty import KnownTexts
from charrnn.tasks.arrangement import TASK_OF
from charrnn.training.config import TrainingConfig
from charrnn.training.continuing import cut
from charrnn.training.data import TrainingText
from charrnn.training.defaults import TAG_DELAY, defaults_for, record_defaults
from charrnn.training.machine import reference_budget
from charrnn.training.record_data import TrainingRecords
from charrnn.training.text import TextIds
from charrnn.vocabulary import Level, Vocabulary
from model_store.store import ModelStore
from service.training.corpora.corpus import Corpus
from service.training.corpora.ids import Check, ids
from service.training.corpora.store import CorpusStore
from service.training.errors import JobRequestError
from service.training.jobs.bases import Base, find_base
from service.training.jobs.plan import Plan, RecordPlan
from service.training.jobs.requests import AUTO, SIZES, JobRequest
from service.training.jobs.shipped_bases import ShippedBase, ShippedBases
from service.training.records.format import RecordFormat
from service.training.records.steps import CorpusRecords, StepsOptions, corpus_records
from service.training.worker.base_choice import LEAST_KNOWN, BaseChoice, choose, known_share


@dataclass(frozen=True, eq=False, slots=True)
class Preparation:
    """All that a trainer needs; `characters` is the length of the whole text, or of all records together, `corpus` what
    the training record is to say about it, `records` all that is known of them, if there are any; `version` is the one
    that the `plan` continues from."""

    config: ModelConfig
    training: TrainingConfig
    source: TrainingText | TrainingRecords
    characters: int
    plan: Plan
    version: Checkpoint | None = None
    records: CorpusRecords | None = None

    def base(self, bases: ShippedBases) -> Checkpoint | None:
        """What a new run begins with; one that is resumed does without, as a later release may ship another. Raises
        JobRequestError, CheckpointError."""
        if isinstance(self.plan.base, ShippedBase):
            return cut(bases.load(self.plan.base), self.source.vocabulary)
        return self.version

    @property
    def characters_per_token(self) -> float:
        """1 unless tokens are words; a record's end counts as a character."""
        if self.source.vocabulary.level == "char":
            return 1.0
        return self.characters / self.tokens

    @property
    def tokens(self) -> int:
        """How many tokens there are."""
        return len(self.source.ids) if isinstance(self.source, TrainingText) else len(self.source.steps.inputs)

    def known_texts(self) -> KnownTexts | None:
        """The records as a set, if the network learns to write such."""
        if self.records is None or not TASK_OF[self.records.arrangement.task].writes_text:
            return None
        known = KnownTexts.room_for(len(self.records.hashes))
        known.add(self.records.hashes)
        return known

    def described(self, checkpoint: Checkpoint) -> Checkpoint:
        """The checkpoint with a training record completed by what only the job knows."""
        more: dict[str, Any] = {}
        if self.source.vocabulary.level != "char":
            more["level"] = self.source.vocabulary.level
            more["characters_per_token"] = self.characters_per_token
            per_token = bits(checkpoint.record.validation_loss)
            more["bits_per_character"] = None if per_token is None else per_token / self.characters_per_token
        if self.plan.base is not None:
            more["base"] = asdict(self.plan.base)
        if self.plan.trials:
            more["base_trials"] = [asdict(trial) for trial in self.plan.trials]
        return checkpoint.with_record(checkpoint.record.updated(**more))


def decide(
    request: JobRequest,
    corpus: Corpus,
    corpora: CorpusStore,
    store: ModelStore,
    check: Check,
    *,
    device: str,
    bases: ShippedBases,
) -> Plan:
    """Decide the plan of a job. What the request leaves open gets a default, which depends on the text and, for a
    budget in minutes, on the measured speed of the `device`; a small text may get one of the `bases`.

    `check` is called several times a second and may raise to stop the work. Raises CorpusNotFoundError, JobRequestError
    when the text is too short or does not suit the base, RecordsError when it is not made of the records that the
    request says.
    """
    pinned, base = find_base(request, store) or (None, None)
    level = base.vocabulary.level if base else request.level or "char"
    sizes = {name: getattr(base.config, name) for name in SIZES} if base else {}
    chosen = {**request.settings, **sizes}
    worth = reference_budget(request.budget, device)
    divided = None
    if request.is_text:
        vocabulary, token_ids = ids(corpora, corpus, level, base.vocabulary if base else None, check)
        _check_length(len(token_ids), request, level)
        text = TrainingText(token_ids, vocabulary)
        if level == "char" and request.base in (None, AUTO):
            choice = choose(bases, text, request.budget, worth, chosen, check=check, device=device)
        else:
            choice = BaseChoice(None, *defaults_for(len(token_ids), len(vocabulary), worth, chosen))
    else:
        divided = RecordPlan(request.task, _delay(request, base), request.records.as_dict())
        found = corpus_records(corpora, corpus, _asked(divided, level, base), check)
        lengths, size = found.steps.lengths, len(found.vocabulary)
        choice = BaseChoice(None, *record_defaults(divided.task, lengths, size, worth, chosen))
    return Plan(
        model=choice.model,
        training=TrainingConfig(request.budget, **choice.training).as_dict(),
        corpus={"name": corpus.name, "sha256": corpus.sha256, **_format(divided)},
        level=level,
        records=divided,
        base=pinned or choice.base,
        trials=choice.trials,
    )


def _format(divided: RecordPlan | None) -> dict[str, Any]:
    """How the text is divided into records, for machines that divide it again; nothing if nothing was said."""
    return {"format": divided.format} if divided and divided.format else {}


def _delay(request: JobRequest, base: Checkpoint | None) -> int:
    if not TASK_OF[request.task].delays:
        return 0
    if base is None:
        return TAG_DELAY if request.delay is None else request.delay
    return base.arrangement.delay


def prepare(plan: Plan, corpus: Corpus, corpora: CorpusStore, store: ModelStore, check: Check) -> Preparation:
    """All that the trainer needs to execute the plan; `check` as for `decide`.

    Raises CorpusNotFoundError, and JobRequestError or StoreError if the base is no longer that of the plan.
    """
    base = plan.base.load(store) if isinstance(plan.base, Base) else None
    training = TrainingConfig.from_dict(plan.training)
    if plan.records is None:
        vocabulary, token_ids = ids(corpora, corpus, plan.level, base.vocabulary if base else None, check)
        return Preparation(
            config=ModelConfig(vocabulary_size=len(vocabulary), **plan.model),
            training=training,
            source=TrainingText(token_ids, vocabulary, plan.corpus, _warnings(token_ids, vocabulary, base)),
            characters=corpus.characters,
            plan=plan,
            version=base,
        )
    found = corpus_records(corpora, corpus, _asked(plan.records, plan.level, base), check)
    held = found.held_out(training.validation_fraction)
    warnings = [*found.warnings, *_warnings(found.steps.inputs, found.vocabulary, base)]
    sizes = {**plan.model, "output_size": found.arrangement.output_size(found.vocabulary)}
    return Preparation(
        config=ModelConfig(vocabulary_size=len(found.vocabulary), **sizes),
        training=training,
        source=TrainingRecords(found.steps, held, found.vocabulary, found.arrangement, plan.corpus, warnings),
        characters=found.characters + len(found.hashes),
        plan=plan,
        version=base,
        records=found,
    )


def _warnings(token_ids: TextIds, vocabulary: Vocabulary, base: Checkpoint | None) -> list[str]:
    """A sentence if the base, whose tokens are all in the vocabulary, knows few of those of the text."""
    if base is None:
        return []
    share = known_share(token_ids, vocabulary.ids_of(base.vocabulary))
    if share >= LEAST_KNOWN:
        return []
    kind = "characters" if vocabulary.level == "char" else "words"
    return [f"The base knows only {share:.0%} of the text's {kind}: it helps little with this text."]


def _asked(divided: RecordPlan, level: Level, base: Checkpoint | None) -> StepsOptions:
    return StepsOptions(divided.task, RecordFormat.from_dict(divided.format), level, divided.delay, base)


def _check_length(length: int, request: JobRequest, level: Level) -> None:
    """Check the number of tokens: enough characters can still be too few words."""
    segment_length = request.settings.get("segment_length", 0)
    needed = max(2, segment_length + 1)
    if length < needed:
        kind = "characters" if level == "char" else "words, punctuation marks and spaces"
        reason = f" with segment_length {segment_length}" if segment_length else ""
        message = f"corpus has {length} {kind}; at least {needed} are needed to train on it{reason}"
        raise JobRequestError("corpus", message)
