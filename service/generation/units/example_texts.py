"""A text that a version generates to show what one of its units does; knows no HTTP and draws nothing."""

from __future__ import annotations

from typing import Final

from charrnn.interpretation.labels import Annotator, is_mask
from charrnn.sampling import SamplingParams
from service.generation.cancellation import NO_CLIENT, Client
from service.generation.generator import TextGenerator
from service.generation.requests import GenerationRequest
from service.generation.units.selection import UnitSelection
from service.generation.units.text_trace import TextTrace, in_a_row
from service.generation.units.tracing import Tracer, traceable

LENGTH: Final = 700
SEEDS: Final = range(7, 23)
MOST_RECORDS: Final = 40
ENOUGH: Final = 0.25
"""A text is good enough if at least this share of it has the label that the unit follows, and at least this share does
not."""

TEMPERATURE: Final = 0.8
"""Low enough that opened brackets are closed again, high enough that the texts differ."""


class ExampleTexts:
    """Generates and traces example texts. Raises the errors of TextGenerator and Tracer."""

    def __init__(self, generator: TextGenerator, tracer: Tracer) -> None:
        self._generator = generator
        self._tracer = tracer

    def trace(self, reference: str, unit: UnitSelection, annotator: Annotator, client: Client = NO_CLIENT) -> TextTrace:
        """The trace of the unit along one of a few texts, always the same ones: the first that is good enough, or else
        the best. Of a version that generates records, it is that of several of them in a row. Raises WrongTaskError for
        a version that writes no texts by itself."""
        if separator := self._tracer.separator(reference):
            return in_a_row(self._records(reference, unit, client), separator)
        best, most = None, -1.0
        for seed in SEEDS:  # one after the other, because a busy or small scheduler may accept only one
            request = _request(reference, seed)
            generation = self._generator.generate(request, client)
            if (balance := _balance(generation.choices[0].text, annotator)) > most:
                best, most = (request, generation), balance
            if most >= ENOUGH:
                break
        assert best is not None, "there are seeds"
        (trace,) = self._tracer.trace_choices(*best, [unit], client)
        return trace

    def _records(self, reference: str, unit: UnitSelection, client: Client) -> list[TextTrace]:
        """Traces of the first few records, together about as long as a text."""
        traces, size = list[TextTrace](), 0
        for seed in range(SEEDS.start, SEEDS.start + MOST_RECORDS):
            request = _request(reference, seed)
            traces += self._tracer.trace_choices(request, self._generator.generate(request, client), [unit], client)
            size += len(traces[-1].tokens)
            if size >= LENGTH:
                break
        return traces


def _request(reference: str, seed: int) -> GenerationRequest:
    sampling = SamplingParams(temperature=TEMPERATURE)
    return traceable(GenerationRequest(reference, length=LENGTH, seed=seed, sampling=sampling))


def _balance(text: str, annotator: Annotator) -> float:
    """The share of the text where the label holds, or of the rest, whichever is less; labels that are numbers instead
    of a mask suit any text."""
    labels = annotator.label(text)
    if labels is None or not labels.size:
        return 0.0
    share = float(labels.mean()) if is_mask(labels) else ENOUGH
    return min(share, 1 - share)
