"""One reply's records while they are generated: what is refused is passed over, and counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from charrnn.engine.base import Finished
from charrnn.sampling import choice_seed
from service.generation.records.candidates import Candidates
from service.generation.records.refusal import Refusal
from service.generation.records.request import GeneratedRecords, RecordsRequest
from service.generation.requests import Skipped
from service.generation.resident import ResidentModel

PATIENCE: Final = 50
"""After how many refused candidates in a row no further ones are tried."""


class RecordStream:
    """Iterate over it once: each item is the next records, generated when they are asked for. Close it if it is not
    read to its end.

    `begin` prepares the candidates, `step` advances them; both raise what ends the reply.
    """

    def __init__(  # noqa: PLR0917
        self,
        request: RecordsRequest,
        model: ResidentModel,
        prompt: str,
        seed: int,
        refusal: Refusal | None,
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

    def __iter__(self) -> Iterator[GeneratedRecords]:
        try:
            candidates = self._begin()
            while not self._is_done():
                texts, cut_off = candidates.in_order(self._step(candidates.step))
                if records := self._chosen([self._prompt + text for text in texts] if self._prompt else texts, cut_off):
                    yield records
        finally:
            self.close()

    def close(self) -> None:
        """Make room for another stream; may be called repeatedly."""
        on_close, self._on_close = self._on_close, lambda: None
        on_close()

    def _is_done(self) -> bool:
        return self.exhausted or self.count == self._request.count

    def _chosen(self, texts: list[str], cut_off: set[int]) -> GeneratedRecords:
        """Those of the next candidates that are not refused, as many as are still wanted."""
        first = self._request.offset + self.tried
        chosen = self._accepted(texts)
        self.count += len(chosen)
        return GeneratedRecords(
            [texts[i] for i in chosen],
            [choice_seed(self.seed, first + i) for i in chosen],
            frozenset(place for place, i in enumerate(chosen) if i in cut_off) if cut_off else frozenset(),
        )

    def _accepted(self, texts: list[str]) -> Sequence[int]:
        """The indices of these candidates; those after the last wanted one are not tried."""
        wanted = self._request.count - self.count
        if self._refusal is None:
            self.tried += min(wanted, len(texts))
            return range(min(wanted, len(texts)))
        accepted: list[int] = []
        for i, refused in enumerate(self._refusal.of_all(texts)):
            if self.exhausted or len(accepted) == wanted:
                break
            self.tried += 1
            self._refused_in_a_row = self._refused_in_a_row + 1 if refused else 0
            self.exhausted = self._refused_in_a_row == PATIENCE
            if not refused:
                accepted.append(i)
        return accepted
