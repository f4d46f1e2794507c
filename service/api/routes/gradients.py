"""`/gradients` and `/models/.../gradients`: how far back versions learn, as numbers, in words and as pictures."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, request

from model_store.names import REFERENCE_PATTERN, parse_reference
from model_store.store import ModelStore
from service.api.http.auth import Guard, guarded
from service.api.http.errors import ApiError
from service.api.http.responses import NO_CACHE, Svg
from service.api.openapi.operations import RequestParameter, describe
from service.api.schemas.replies.gradients import (
    ComparedGradientsReply,
    GradientsReply,
    compared_gradients_reply,
    gradients_reply,
)
from service.pictures import gradients as pictures
from service.pictures.charts import document
from service.training.gradients import (
    Measured,
    measured,
    newest_of_each_cell,
)

MOST: Final = 8
VERSIONS: Final = RequestParameter(
    "versions",
    f"up to {MOST} versions, separated by commas: `name`, `name@3` or `name@alias`; without it the newest version of"
    " each cell, all trained on one text",
    schema={"type": "string", "pattern": f"^{REFERENCE_PATTERN}(,{REFERENCE_PATTERN}){{0,{MOST - 1}}}$"},
)


def blueprint(store: ModelStore, guard: Guard) -> Blueprint:
    """The routes of gradients, open to apps."""
    routes = guarded("gradients", guard)

    @routes.get("/models/<name>/versions/<int:version>/gradients")
    @describe("How far back a version's gradients reach", errors=(404, 409, 422))
    def show_gradients(name: str, version: int) -> GradientsReply:
        return gradients_reply(measured(store, name, version))

    @routes.get("/models/<name>/versions/<int:version>/gradients.svg")
    @describe("How far back a version's gradients reach, as a picture", errors=(404, 409, 422))
    def draw_gradients(name: str, version: int) -> Svg:
        found = measured(store, name, version)
        title = f"{found.reference}: {_network(found)}"
        return Svg(document(title, [pictures.panel(_lines(found))]), headers=NO_CACHE)

    @routes.get("/gradients")
    @describe(
        "How far back the gradients of several versions reach",
        errors=(404, 409, 422),
        parameters=(VERSIONS,),
    )
    def compare_gradients() -> ComparedGradientsReply:
        return compared_gradients_reply(_chosen(store))

    @routes.get("/gradients.svg")
    @describe(
        "How far back the gradients of several versions reach, as a picture",
        errors=(404, 409, 422),
        parameters=(VERSIONS,),
    )
    def draw_compared_gradients() -> Svg:
        chosen = _chosen(store)
        if not chosen:
            raise ApiError(404, "no_gradients", "no version has recorded gradients; newly trained versions do")
        title = f"How far back gradients reach: {', '.join(map(_network, chosen))}"
        drawn = pictures.side_by_side(title, {each.reference: _lines(each) for each in chosen})
        return Svg(drawn, headers=NO_CACHE)

    return routes


def _chosen(store: ModelStore) -> list[Measured]:
    if "versions" not in request.args:
        return newest_of_each_cell(store)
    references = request.args["versions"].split(",")
    if len(references) > MOST:
        message = f"versions must be at most {MOST} versions, not {len(references)}"
        raise ApiError(422, "invalid_value", message, "versions")
    named = [parse_reference(reference) for reference in references]
    # A version that is named twice, perhaps in two ways, is compared once.
    versions = dict.fromkeys((name, store.resolve(name, selector)) for name, selector in named)
    return [measured(store, name, version) for name, version in versions]


def _network(version: Measured) -> str:
    config = version.config
    return f"{config.cell} {config.layers}\N{MULTIPLICATION SIGN}{config.hidden_size}"


def _lines(version: Measured) -> list[tuple[str, pictures.Norms]]:
    return [(f"step {reach.step:,}", reach.norms) for reach in version.reaches]
