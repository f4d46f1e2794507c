"""One reply's records while they are generated: what is refused is passed over, and counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from charrnn.engine.base import Finished
from charrnn.sampling import choice_seed
from service.generation.records.candidates import Candidate, Candidates
from service.generation.records.refusal import Refusal
from service.generation.records.request import GeneratedRecord, RecordsRequest
from service.generation.requests import Skipped
from service.generation.resident import ResidentModel

PATIENCE: Final = 50
"""After how many refused candidates in a row no further ones are tried."""


class RecordStream:
    """Iterate over it once: each item is a list of the next records, generated when it is asked for. Close it if it is
    not read to its end.

    `begin` prepares the candidates, `step` advances them; both raise what ends the reply.
    """

    def __init__(  # noqa: PLR0917
        self,
        request: RecordsRequest,
        model: ResidentModel,
        prompt: str,
        seed: int,
        refusal: Refusal,
        begin: Callable[[], Candidates],
        step: Callable[[Callable[[], Finished]], Finished],
        on_close: Callable[[], None],
        skipped: Skipped = (),
    ) -> None:
        self.model, self.seed, self.skipped = model, seed, skipped
        self.count = 0
        """Records so far."""
        self.tried = 0
        """Candidates so far, refused ones included."""
        self.exhausted = False
        """Whether the stream has ended early, because PATIENCE candidates in a row were refused."""
        self._request, self._prompt, self._refusal = request, prompt, refusal
        self._begin, self._step, self._on_close = begin, step, on_close
        self._refused_in_a_row = 0

    def __iter__(self) -> Iterator[list[GeneratedRecord]]:
        try:
            candidates = self._begin()
            while not self._is_done():
                finished = self._step(candidates.step)
                if records := self._chosen(candidates.in_order(finished)):
                    yield records
        finally:
            self.close()

    def close(self) -> None:
        """Make room for another stream; may be called repeatedly."""
        on_close, self._on_close = self._on_close, lambda: None
        on_close()

    def _is_done(self) -> bool:
        return self.exhausted or self.count == self._request.count

    def _chosen(self, candidates: list[Candidate]) -> list[GeneratedRecord]:
        texts = [self._prompt + candidate.text for candidate in candidates]
        chosen = []
        first = self.seed + self._request.offset
        for text, candidate, refused in zip(texts, candidates, self._refusal.of_all(texts), strict=True):
            if self._is_done():
                break
            if not refused:
                chosen.append(GeneratedRecord(text, choice_seed(first, self.tried), candidate.ended))
                self.count += 1
            self._refused_in_a_row = self._refused_in_a_row + 1 if refused else 0
            self.tried += 1
            self.exhausted = self._refused_in_a_row == PATIENCE
        return chosen
