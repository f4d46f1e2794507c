"""A text that a version writes to show what one of its cells does; knows no HTTP and draws nothing."""

from __future__ import annotations

from typing import Final

from charrnn.interpretation.labels import Annotator, is_mask
from charrnn.sampling import SamplingParams
from service.generation.cells import CellSelection
from service.generation.clients import ANYBODY, Client
from service.generation.generator import TextGenerator
from service.generation.requests import GenerationRequest
from service.generation.tracing import TextTrace, Tracer, traceable

LENGTH: Final = 700
SEEDS: Final = range(7, 23)
ENOUGH: Final = 0.25
"""A text that has so much of what a cell follows, and of what it does not, will do."""

TEMPERATURE: Final = 0.8
"""Cool enough for what is opened to be closed again, warm enough for texts that differ."""


class Showcase:
    """Lets versions show their cells. Raises what TextGenerator and Tracer raise."""

    def __init__(self, generator: TextGenerator, tracer: Tracer) -> None:
        self._generator = generator
        self._tracer = tracer

    def trace(self, reference: str, cell: CellSelection, annotator: Annotator, client: Client = ANYBODY) -> TextTrace:
        """The cell along one of a few texts, always the same ones: the first that shows enough, or what shows most."""
        best, most = None, -1.0
        for seed in SEEDS:  # one after the other: a busy or small scheduler has a place for one
            request = _request(reference, seed)
            generation = self._generator.generate(request, client)
            if (shows := _shows(generation.choices[0].text, annotator)) > most:
                best, most = (request, generation), shows
            if most >= ENOUGH:
                break
        assert best is not None, "there are seeds"
        (trace,) = self._tracer.trace_choices(*best, [cell], client)
        return trace


def _request(reference: str, seed: int) -> GenerationRequest:
    sampling = SamplingParams(temperature=TEMPERATURE)
    return traceable(GenerationRequest(reference, length=LENGTH, seed=seed, sampling=sampling))


def _shows(text: str, annotator: Annotator) -> float:
    """The share of the text where the label holds, or of the rest, whichever is less; numbers show in any text."""
    labels = annotator.label(text)
    if labels is None or not labels.size:
        return 0.0
    share = float(labels.mean()) if is_mask(labels) else ENOUGH
    return min(share, 1 - share)
