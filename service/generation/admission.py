"""Requests are checked before anything is computed for them: version, prompt, number of texts, the reply's size."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from charrnn.engine.base import State
from charrnn.sampling import SamplingParams
from charrnn.vocabulary import Ids, UnknownCharactersError
from model_store.errors import NotFoundError
from service.generation.cache import Found, cache_key, reply_key
from service.generation.cached_choice import Entry
from service.generation.cancellation import CancelScope
from service.generation.compiled_patterns import CompiledPatterns, Wanted
from service.generation.errors import (
    BesidePatternError,
    ItemError,
    OtherModelError,
    RecordEndedError,
    ReplyTooLargeError,
    SamplingIdsError,
)
from service.generation.fitting import Fitting, fitting
from service.generation.requests import GenerationRequest, Skipped
from service.generation.resident import ResidentModel, ResidentModels
from service.generation.tasks import SeparatorError, check_label, check_task
from service.generation.tokenization import UnknownIdsError, checked, read
from service.generation.units.selection import UnitSelection, select


@dataclass(frozen=True, eq=False, slots=True)
class KnownPrefix:
    """The state after the first `length` ids of what a sequence reads."""

    length: int
    state: State


@dataclass(frozen=True, eq=False, slots=True)
class Admitted:
    """A request that passed: the version that computes it, its prompt's ids, its `key` in the cache, the `state` in
    which it goes on, if it does, what its texts have to fit, if anything, and what was `found` in the cache once it has
    been looked up. A long prompt is read already, but for what comes after the `prefix`; for earlier requests
    `cached_prompt_tokens` of it."""

    request: GenerationRequest
    model: ResidentModel
    prompt: Ids
    skipped: Skipped
    key: str
    state: State | None = None
    fitting: Fitting | None = None
    found: Found | None = None
    prefix: KnownPrefix | None = None
    cached_prompt_tokens: int = 0

    @property
    def ids(self) -> Ids:
        """What is read after `state`: the prompt, at the beginning of a text with a start or a label."""
        if self.state is not None:
            return self.prompt
        return self.model.arrangement.read(self.prompt, self.model.vocabulary, self.request.label)

    @property
    def pattern_skipped(self) -> tuple[str, ...]:
        """The characters of the pattern that the model does not know."""
        return () if self.fitting is None else self.fitting.skipped

    def takes(self, found: Found) -> bool:
        """Whether what was found in the cache fits, as it does unless it was made by something else."""
        if self.fitting is None:
            return True
        end = self.model.vocabulary.end_id
        ids = [each.choice.ids for each in found.beginnings if each.is_whole]
        return all(self.fitting.takes(each[each != end].tolist()) for each in ids)

    @property
    def reads_prompt(self) -> bool:
        """Whether any choice is to be generated from its beginning."""
        return self.found is None or any(not each.is_whole and each.state is None for each in self.found.beginnings)

    @property
    def scores_prompt(self) -> bool:
        """Whether log-probabilities of the prompt's tokens are wanted."""
        request = self.request
        return request.echo and request.sampling.logprobs is not None and self.prompt.size > 0

    @property
    def is_cached(self) -> bool:
        """Whether all that is asked for was found in the cache."""
        return self.found is not None and self.found.is_whole

    @property
    def cached_tokens(self) -> int:
        """How many tokens were found in the cache."""
        return 0 if self.found is None else sum(each.choice.ids.size for each in self.found.beginnings)

    @property
    def entry(self) -> Entry | None:
        """What is in the cache, as far as it is known."""
        return None if self.found is None else self.found.entry

    @property
    def reply_key(self) -> str:
        """Equal for requests that get the same reply."""
        return reply_key(self.key, self.request)

    @property
    def size(self) -> int:
        """How many values its reply has at most: tokens, log-probabilities of each, and ids if they are wanted."""
        request = self.request
        tokens = request.length + (self.prompt.size if request.echo else 0)
        ids = request.length + self.prompt.size if request.with_ids else 0
        return request.n * (tokens * (1 + (request.sampling.logprobs or 0)) + ids)

    def repeated(self, same_before: int) -> Admitted:
        """The same request, preceded by `same_before` identical ones in one call. Without a seed it gets a cache entry,
        and so a drawn seed, of its own; with a seed it gives the same text."""
        if self.request.seed is not None or not same_before:
            return self
        return replace(self, key=cache_key(self.model, self.prompt, self.request, same_before))


class Admission:
    """Checks requests. `check_fits` raises NeverFitsError for too many texts at once; `patterns` has what texts have to
    fit compiled."""

    def __init__(
        self,
        models: ResidentModels,
        check_fits: Callable[[int], None],
        patterns: CompiledPatterns,
        max_values: int | None = None,
    ) -> None:
        self._models = models
        self._patterns = patterns
        self._check_fits = check_fits
        self._max_values = max_values

    def admit(self, request: GenerationRequest, scope: CancelScope) -> Admitted:
        """Raises UnknownCharactersError, UnknownIdsError, SamplingIdsError, WrongTaskError, UnknownLabelError,
        UnknownUnitError, NeverFitsError, ReplyTooLargeError, InvalidContinuationError, OtherModelError,
        RecordEndedError, BesidePatternError, LengthTooShortError, and what ResidentModels.get and CompiledPatterns.get
        raise."""
        admitted = self._admit(request, self._model_of(request), scope)
        self._check_size([admitted])
        return admitted

    def admit_all(self, requests: Sequence[GenerationRequest], scope: CancelScope) -> list[Admitted]:
        """Admit several requests of one call, all or none: a reference means the same version in all of them, and the
        limits apply to all together. Raises ItemError for an error in one of the prompts, otherwise what `admit`
        raises."""
        models = {reference: self._models.get(reference) for reference in {each.model for each in requests}}
        admitted: list[Admitted] = []
        before: Counter[str] = Counter()
        for index, request in enumerate(requests):
            try:
                found = self._admit(request, models[request.model], scope)
            except (UnknownCharactersError, UnknownIdsError, SeparatorError) as error:
                raise ItemError("prompt", index, error) from error
            admitted.append(found.repeated(before[found.key]))
            before[found.key] += 1
        self._check_size(admitted)
        return admitted

    def _model_of(self, request: GenerationRequest) -> ResidentModel:
        start = request.start
        if start is None:
            return self._models.get(request.model)
        if request.model != start.reference and not self._means(request.model, (start.name, start.version)):
            raise OtherModelError(request.model, start.name, start.version)
        return self._models.get(start.reference)

    def _means(self, reference: str, version: tuple[str, int]) -> bool:
        with suppress(NotFoundError):
            return self._models.resolve(reference) == version
        return False

    def _admit(self, request: GenerationRequest, model: ResidentModel, scope: CancelScope) -> Admitted:
        self._check_fits(request.n)
        check_task(model, "generate")
        check_label(model, request.label)
        check_sampling(model, request.sampling)
        select(model.config, [UnitSelection(each.layer, each.unit, each.part) for each in request.held], "set")
        prompt, skipped = read(model, request.prompt, request.skip_unknown)
        start = request.start
        state = None if start is None else start.state_for(model.digest, model.engine.precision, model.config)
        if start is not None and start.ended and prompt.size:
            raise RecordEndedError
        fits = self._fitting(request, model, scope)
        return Admitted(request, model, prompt, skipped, cache_key(model, prompt, request), state, fits)

    def _fitting(self, request: GenerationRequest, model: ResidentModel, scope: CancelScope) -> Fitting | None:
        if request.pattern is None:
            return None
        _check_stop(request)
        wanted = Wanted(request.pattern, request.stop, request.sampling.allowed_token_ids)
        compiled = self._patterns.get(wanted, model, scope)
        found = fitting(compiled, model.vocabulary, request.length, request.place)
        if request.start is not None and request.start.ended and found.fit.distance:
            message = "must be of a record that has not ended: nothing can follow its end, so nothing that fits"
            raise BesidePatternError("continue", message)
        return found

    def _check_size(self, admitted: Sequence[Admitted]) -> None:
        if self._max_values is not None and (size := sum(each.size for each in admitted)) > self._max_values:
            raise ReplyTooLargeError(self._max_values, size, _multiplier(admitted[0].request))


def check_sampling(model: ResidentModel, sampling: SamplingParams) -> None:
    """Raises SamplingIdsError if an id is outside the model's vocabulary, or no id that may be generated is allowed."""
    allowed = sampling.allowed_token_ids
    if not sampling.logit_bias and allowed is None:
        return
    for field, ids in (("logit_bias", [id_ for id_, _ in sampling.logit_bias]), ("allowed_token_ids", allowed or ())):
        try:
            checked(model, ids, model.config.outputs)
        except UnknownIdsError as error:
            raise SamplingIdsError(field, error) from error
    unknown = model.vocabulary.unknown_id
    if allowed is not None and set(allowed) <= {unknown}:
        message = f"must have an id that can be generated, not {unknown} alone, the token for unknown words"
        raise SamplingIdsError("allowed_token_ids", message)


def _check_stop(request: GenerationRequest) -> None:
    """Raises BesidePatternError for what a text that fits a pattern cannot do, since no stop text is in it."""
    if request.stop and request.include_stop:
        message = "must be false beside a pattern: no text that fits has a stop string in it"
        raise BesidePatternError("include_stop_str_in_output", message)
    if request.stop and request.min_tokens:
        message = (
            f"must be 0 beside a pattern and stop, not {request.min_tokens}: the pattern says how short a text may be"
        )
        raise BesidePatternError("min_tokens", message)


def _multiplier(request: GenerationRequest) -> str:
    """The field that makes most of a reply too large."""
    return "logprobs" if request.sampling.logprobs else "n" if request.n > 1 else "prompt"
