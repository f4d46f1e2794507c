"""Searches for interpretable units of a served version, on request; knows no HTTP and stores nothing."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Final

from charrnn.interpretation.survey import UnitSurvey, survey
from service.generation.cancellation import NO_CLIENT, CancelScope, Client
from service.generation.errors import BusyError
from service.generation.resident import ResidentModels

RETRY_SECONDS: Final = 5


class UnitSearch:
    """Searches in the thread of the request, one search at a time in a process; others are refused meanwhile.

    Raises UnknownCharactersError, TooShortError, BusyError, ClientGoneError, DeadlineError, ModelUnavailableError and
    the model store's errors.
    """

    def __init__(self, models: ResidentModels, timeout: float | None = None) -> None:
        self._models = models
        self._timeout = timeout
        self._searching = threading.Lock()

    def search(
        self,
        reference: str,
        texts: Sequence[str],
        *,
        held_out: bool,
        skip_unknown: bool = False,
        client: Client = NO_CLIENT,
    ) -> UnitSurvey:
        """What the version's units follow along an endless text, or along records; `held_out`: whether these were held
        out of training."""
        model = self._models.get(reference)
        vocabulary = model.vocabulary
        found = [vocabulary.encode_known(text)[0] if skip_unknown else vocabulary.encode(text) for text in texts]
        scope = CancelScope(client, self._timeout)
        if not self._searching.acquire(blocking=False):
            raise BusyError(1, RETRY_SECONDS, of="search for cells is running already")
        try:
            return survey(
                model.engine,
                model.config,
                vocabulary,
                [ids for ids in found if ids.size],
                arrangement=model.arrangement,
                held_out=held_out,
                check=scope.check,
            )
        finally:
            self._searching.release()
