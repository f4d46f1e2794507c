"""`/models/{name}/versions/{version}/cells`: what a version's cells follow, as numbers and as pictures; open to read;
an admin can start the search."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from flask import Blueprint, request

from charrnn.interpretation.annotators import BY_SLUG
from charrnn.interpretation.excerpt import excerpt
from charrnn.interpretation.survey import MIN_TOKENS, TooShortError, most_characters
from charrnn.marks import MarkedVocabulary
from charrnn.vocabulary import UnknownCharactersError
from model_store.store import ModelStore
from service.api.http.auth import Guard, guarded
from service.api.http.client_connection import client_of
from service.api.http.errors import ApiError, shown
from service.api.http.exceptions import unknown_characters
from service.api.http.parsing import json_body
from service.api.http.responses import NO_CACHE, Png, Svg
from service.api.openapi.operations import describe
from service.api.schemas.cells import CellSearchBody
from service.api.schemas.replies.cells import CellsReply, FoundCell, cells_reply, kept_cells_reply
from service.generation.cancellation import CancelScope
from service.generation.units.example_texts import ExampleTexts
from service.generation.units.search import UnitSearch
from service.generation.units.selection import UnitSelection
from service.pictures.coloured_text import ColouredText, coloured_text
from service.pictures.scales import signed
from service.settings import Settings
from service.training.corpora.store import CorpusStore
from service.training.excerpts import NOTHING, Excerpt, excerpt_of, own_excerpt_of_records, own_held_out
from service.training.units import KIND

PATH: Final = "/models/<name>/versions/<int:version>/cells"
FULL_COLOUR: Final = 0.9
"""The quantile of a cell's absolute values that gets the full colour."""


def open_blueprint(store: ModelStore, example_texts: ExampleTexts, guard: Guard) -> Blueprint:
    """The routes that are open to apps."""
    routes = guarded("cells", guard)

    @routes.get(PATH)
    @describe("What a version's cells follow", errors=(404, 409, 422))
    def show_cells(name: str, version: int) -> CellsReply:
        return _kept(store, name, version)

    @routes.get(f"{PATH}/<slug>.svg")
    @describe("A text by the version, coloured by a cell, as SVG", errors=(404, 409, 422, 429, 503))
    def draw_cell(name: str, version: int, slug: str) -> Svg:
        return Svg(picture(name, version, slug).svg(), headers=NO_CACHE)

    @routes.get(f"{PATH}/<slug>.png")
    @describe("The same as PNG", errors=(404, 409, 422, 429, 503))
    def paint_cell(name: str, version: int, slug: str) -> Png:
        return Png(picture(name, version, slug).png(), headers=NO_CACHE)

    def picture(name: str, version: int, slug: str) -> ColouredText:
        cell = _found(_kept(store, name, version), f"{name}@{version}", slug)
        selection = UnitSelection(cell["layer"], cell["unit"], cell["part"])
        client = client_of(request.environ)
        trace = example_texts.trace(f"{name}@{version}", selection, BY_SLUG[slug], client)
        values = trace.values[0]
        # A few outliers, where an LSTM accumulates something, would leave all other values pale.
        scale = signed(_legend(cell), [float(np.quantile(np.abs(values), FULL_COLOUR))])
        return coloured_text(f"{name}@{version}: {cell['follows']}", trace.tokens, values.tolist(), scale)

    return routes


def admin_blueprint(
    store: ModelStore, corpora: CorpusStore, unit_search: UnitSearch, settings: Settings, guard: Guard
) -> Blueprint:
    """The routes for admins."""
    routes = guarded("cells_admin", guard)

    @routes.post(PATH)
    @describe(
        "Find out what a version's cells follow, and record it",
        access="admin",
        description="Searches up to some hundred thousand characters of a corpus or a text; takes a few seconds.",
        body=CellSearchBody,
        errors=(404, 503),
        examples={"on the text that it was trained on": {"corpus": "0" * 16}},
    )
    def search_cells(name: str, version: int) -> CellsReply:
        body = json_body(CellSearchBody, settings)
        field = "text" if body.corpus is None else "corpus"
        client = client_of(request.environ)
        check = CancelScope(client, settings.request_timeout).check
        along, skip = _along(body, store, corpora, name, version, check=check)
        try:
            found = unit_search.search(
                f"{name}@{version}", along.texts, held_out=along.is_held_out, skip_unknown=skip, client=client
            )
        except TooShortError as error:
            raise ApiError(422, "too_short", f"{field}: {error}", field) from error
        except UnknownCharactersError as error:
            raise unknown_characters(error, field) from error
        store.keep(name, version, KIND, found.as_dict())
        return cells_reply(name, version, found)

    return routes


def _along(
    body: CellSearchBody, store: ModelStore, corpora: CorpusStore, name: str, version: int, *, check: Callable[[], None]
) -> tuple[Excerpt, bool]:
    """What to search along, and whether to skip unknown tokens, as for the version's own corpus."""
    entry = store.describe(name, version)
    arrangement = entry.record.arrangement
    most, skip = most_characters(entry.config), body.unknown == "skip"
    if body.corpus is None:
        texts = excerpt(body.text or "", most)
        if not arrangement.is_text:
            texts = [record for text in texts for record in text.split(arrangement.separator) if record]
        return Excerpt(tuple(texts), False), skip
    corpus = corpora.get(body.corpus)
    is_own = corpus.sha256 == entry.record.corpus_sha256
    checkpoint = store.load(name, version)
    vocabulary = checkpoint.vocabulary
    if isinstance(vocabulary, MarkedVocabulary):
        records = own_excerpt_of_records(checkpoint, corpora, corpus, most, MIN_TOKENS, check=check)
        if records is None:
            message = f"corpus: how it is divided into records for {name}@{version} is not known: give some as text"
            raise ApiError(422, "invalid_value", message, "corpus")
        return records, True
    held_out = own_held_out(entry.record, vocabulary, corpora, corpus) if is_own else NOTHING
    return excerpt_of(corpora.path(corpus), held_out, vocabulary, most, MIN_TOKENS), skip or is_own


def _kept(store: ModelStore, name: str, version: int) -> CellsReply:
    """The stored result of a search. Raises ApiError 404 if there is none, or if it is damaged."""
    kept = store.kept(name, version, KIND)
    reply = None if kept is None else kept_cells_reply(name, version, kept)
    if reply is None:
        message = (
            f"it is not known yet what the cells of {name}@{version} follow; an admin can start the search:"
            f' POST /models/{name}/versions/{version}/cells with {{"corpus": "<id>"}} or {{"text": "..."}}'
        )
        raise ApiError(404, "no_cells", message, "version")
    return reply


def _found(kept: CellsReply, reference: str, slug: str) -> FoundCell:
    """The stored finding of a cell. Raises an ApiError that says why there is none."""
    for cell in kept["cells"]:
        if cell["slug"] == slug and slug in BY_SLUG:
            return cell
    missing = [*kept["not_found"], *kept["undecided"]]
    reasons = {each["slug"]: f"{each['follows']}: {each['reason']}" for each in missing}
    known = ", ".join(cell["slug"] for cell in kept["cells"]) or "none"
    reason = reasons.get(slug, f"nothing called {shown(slug)} was looked for")
    message = f"{reference} has no such cell ({reason}); those that follow something: {known}"
    raise ApiError(404, "cell_not_found", message, "slug")


def _legend(cell: FoundCell) -> str:
    measure = "AUC" if cell["measure"] == "auc" else "correlation"
    result = f"{measure} {cell['score']:.2f}, chance {cell['chance']:.2f}"
    return f"{cell['part']} state of layer {cell['layer']}, unit {cell['unit']}; {result}"
