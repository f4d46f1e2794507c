"""`/models/{name}/versions/{version}/cells`: what a version's cells follow, as numbers and as pictures; open to read,
admin to have it found out."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from flask import Blueprint, Response, jsonify, request
from pydantic import ValidationError

from charrnn.interpretation.annotators import BY_SLUG
from charrnn.interpretation.excerpt import excerpt
from charrnn.interpretation.survey import MIN_TOKENS, TooShortError, most_characters
from charrnn.vocabulary import UnknownCharactersError
from model_store.store import ModelStore
from service.api.http.auth import Guard
from service.api.http.connection import client_of
from service.api.http.errors import ApiError, shown, unknown_characters
from service.api.http.parsing import json_body
from service.api.openapi.described import describe
from service.api.schemas.cells import CellSearchBody, CellsReply
from service.api.schemas.replies import PNG, SVG
from service.generation.cells import CellSelection
from service.generation.showing import Showcase
from service.generation.surveying import Surveyor
from service.pictures.coloured_text import ColouredText, coloured_text
from service.pictures.scales import signed
from service.settings import Settings
from service.training.corpora import CorpusStore
from service.training.excerpts import NOTHING, excerpt_of, own_held_out
from service.training.units import KIND

PATH: Final = "/models/<name>/versions/<int:version>/cells"
FULL_COLOUR: Final = 0.9
"""Of a cell's values are paler than what gets the full colour."""
KEPT: Final = {"Cache-Control": "no-cache"}


def open_blueprint(store: ModelStore, showcase: Showcase, guard: Guard) -> Blueprint:
    """What everyone may see."""
    routes = Blueprint("cells", __name__)
    routes.before_request(guard)

    @routes.get(PATH)
    @describe("What a version's cells follow", reply=CellsReply, errors=(404, 409, 422))
    def show_cells(name: str, version: int) -> Response:
        return jsonify(_reply(name, version, _kept(store, name, version)))

    @routes.get(f"{PATH}/<slug>.svg")
    @describe("A text by the version, coloured by a cell, as SVG", reply=SVG, errors=(404, 409, 422, 429, 503))
    def draw_cell(name: str, version: int, slug: str) -> Response:
        return Response(picture(name, version, slug).svg(), mimetype=SVG, headers=KEPT)

    @routes.get(f"{PATH}/<slug>.png")
    @describe("The same as PNG", reply=PNG, errors=(404, 409, 422, 429, 503))
    def paint_cell(name: str, version: int, slug: str) -> Response:
        return Response(picture(name, version, slug).png(), mimetype=PNG, headers=KEPT)

    def picture(name: str, version: int, slug: str) -> ColouredText:
        cell = _found(_kept(store, name, version), f"{name}@{version}", slug)
        selection = CellSelection(cell["layer"], cell["unit"], cell["part"])
        client = client_of(request.environ)
        trace = showcase.trace(f"{name}@{version}", selection, BY_SLUG[slug], client)
        values = trace.values[0]
        # The few values far out, where an LSTM adds something up, would leave all others pale.
        scale = signed(_legend(cell), [float(np.quantile(np.abs(values), FULL_COLOUR))])
        return coloured_text(f"{name}@{version}: {cell['follows']}", trace.tokens, values.tolist(), scale)

    return routes


def admin_blueprint(
    store: ModelStore, corpora: CorpusStore, surveyor: Surveyor, settings: Settings, guard: Guard
) -> Blueprint:
    """What only an admin may do."""
    routes = Blueprint("cells_admin", __name__)
    routes.before_request(guard)

    @routes.post(PATH)
    @describe(
        "Find out what a version's cells follow, and record it",
        access="admin",
        description="Searches up to some ten thousand characters of a corpus or a text; takes a few seconds.",
        body=CellSearchBody,
        reply=CellsReply,
        errors=(404, 503),
        examples={"on the text that it was trained on": {"corpus": "0" * 16}},
    )
    def search_cells(name: str, version: int) -> Response:
        body = json_body(CellSearchBody, settings)
        field = "text" if body.corpus is None else "corpus"
        text, held_out, skip = _text(body, store, corpora, name, version)
        client = client_of(request.environ)
        try:
            found = surveyor.survey(f"{name}@{version}", text, held_out=held_out, skip_unknown=skip, client=client)
        except TooShortError as error:
            raise ApiError(422, "too_short", f"{field}: {error}", field) from error
        except UnknownCharactersError as error:
            raise unknown_characters(error, field) from error
        store.keep(name, version, KIND, found.as_dict())
        return jsonify(_reply(name, version, found.as_dict()))

    return routes


def _text(
    body: CellSearchBody, store: ModelStore, corpora: CorpusStore, name: str, version: int
) -> tuple[str, bool, bool]:
    """What to search along, whether training left it out, whether to skip what the version does not know. The words
    of its own corpus that a version does not know are no news."""
    entry = store.describe(name, version)
    most, skip = most_characters(entry.config), body.unknown == "skip"
    if body.corpus is None:
        return excerpt(body.text or "", most), False, skip
    corpus = corpora.get(body.corpus)
    is_own = corpus.sha256 == entry.record.corpus_sha256
    vocabulary = store.load(name, version).vocabulary
    held_out = own_held_out(entry.record, vocabulary, corpora, corpus) if is_own else NOTHING
    found = excerpt_of(corpora.path(corpus), held_out, vocabulary, most, MIN_TOKENS)
    return found.text, found.held_out, skip or is_own


def _kept(store: ModelStore, name: str, version: int) -> dict[str, Any]:
    kept = store.kept(name, version, KIND)
    if kept is None or not _is_whole(name, version, kept):
        message = (
            f"it is not known yet what the cells of {name}@{version} follow; an admin can start the search:"
            f' POST /models/{name}/versions/{version}/cells with {{"corpus": "<id>"}} or {{"text": "..."}}'
        )
        raise ApiError(404, "no_cells", message, "version")
    return kept


def _is_whole(name: str, version: int, kept: dict[str, Any]) -> bool:
    """Whether it is what a search finds: the file beside a version may have been damaged."""
    try:
        CellsReply.model_validate(_reply(name, version, kept))
    except ValidationError:
        return False
    return True


def _found(kept: dict[str, Any], reference: str, slug: str) -> dict[str, Any]:
    """What is kept of a cell. Raises ApiError that says why there is none."""
    for cell in kept["cells"]:
        if cell["slug"] == slug and slug in BY_SLUG:
            found: dict[str, Any] = cell
            return found
    reasons = {each["slug"]: f"{each['follows']}: {each['reason']}" for each in kept["not_found"]}
    known = ", ".join(cell["slug"] for cell in kept["cells"]) or "none"
    reason = reasons.get(slug, f"nothing called {shown(slug)} was looked for")
    message = f"{reference} has no such cell ({reason}); those that follow something: {known}"
    raise ApiError(404, "cell_not_found", message, "slug")


def _reply(name: str, version: int, kept: dict[str, Any]) -> dict[str, Any]:
    return {"model": name, "version": version, **kept}


def _legend(cell: dict[str, Any]) -> str:
    measure = "AUC" if cell["measure"] == "auc" else "correlation"
    told = f"{measure} {cell['score']:.2f}, chance {cell['chance']:.2f}"
    return f"{cell['part']} state of layer {cell['layer']}, unit {cell['unit']}; {told}"
