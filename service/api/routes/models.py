"""`/models`: versions, their records, aliases; open to read, admin to change."""

from __future__ import annotations

import threading
from contextlib import suppress
from itertools import accumulate
from operator import itemgetter
from pathlib import Path
from typing import Final, Literal

from flask import Blueprint, Response, request, send_file

from charrnn.checkpoint import Checkpoint
from durable.drafts import draft, remove_dead_drafts
from model_store.distrust import load_foreign
from model_store.errors import NotFoundError
from model_store.faults import Faults
from model_store.names import check_name
from model_store.promotion import DEFAULT_POLICY, POLICIES, Promote, publish_and_promote
from model_store.store import ModelStore
from service.api.http.auth import Guard, guarded
from service.api.http.paging import number_of, requested
from service.api.http.parsing import json_body, one_of
from service.api.http.responses import NoContent, Svg
from service.api.http.uploads import too_large, upload
from service.api.openapi.operations import RequestParameter, describe
from service.api.openapi.page_parameters import PAGE_PARAMETERS
from service.api.schemas.models import AliasBody
from service.api.schemas.replies.models import (
    MOST_DETAILS,
    AliasReply,
    ModelReply,
    ModelsReply,
    ModelSummaries,
    ModelSummary,
    model_reply,
)
from service.api.schemas.replies.versions import VersionReply, version_reply
from service.settings import Settings
from service.training.curves import record_curve

CONTENT_TYPE: Final = "application/octet-stream"
MAX_CHECKPOINT_BYTES: Final = 1 << 30
PROMOTE: Final = {"type": "string", "enum": list(POLICIES), "default": DEFAULT_POLICY}
DETAILS: Final = RequestParameter(
    "details",
    f"`true`: include the latest {MOST_DETAILS} versions and those with aliases in `details`, and the aliases' history",
    schema={"type": "boolean", "default": False},
)

_reading = threading.Lock()


def open_blueprint(store: ModelStore, faults: Faults, guard: Guard) -> Blueprint:
    """The routes that are open to apps."""
    routes, summaries = guarded("models", guard), ModelSummaries(store, faults)

    @routes.get("/models")
    @describe("All models", parameters=(DETAILS, *PAGE_PARAMETERS), errors=(422,))
    def list_models() -> ModelsReply:
        with_details = one_of(("true", "false"), request.args.get("details", "false"), "details") == "true"
        page = requested(store.places(), store.place, "the name of a model", itemgetter(1))
        found: list[ModelSummary] = []
        for _, name in page.places:
            with suppress(NotFoundError):  # deleted meanwhile
                found.append(summaries.of(name, with_details=with_details))
        return {"models": found, **page.fields}

    @routes.get("/models/<name>")
    @describe("A model's versions and aliases", parameters=PAGE_PARAMETERS, errors=(404, 422))
    def show_model(name: str) -> ModelReply:
        return _model(store, faults, name)

    @routes.get("/models/<name>/versions/<int:version>")
    @describe("A version's record", errors=(404, 422))
    def show_version(name: str, version: int) -> VersionReply:
        return version_reply(store, faults, name, version)

    @routes.get("/models/<name>/aliases/<alias>")
    @describe("An alias and all its changes", parameters=PAGE_PARAMETERS, errors=(404, 422))
    def show_alias(name: str, alias: str) -> AliasReply:
        changes = store.history(name, alias)
        page = requested(range(1, len(changes) + 1), number_of, "the number of a change")
        shown = [changes[number - 1] for number in page.places]
        return {"model": name, "alias": alias, "version": changes[-1].version, "changes": shown, **page.fields}

    @routes.get("/models/<name>/versions/<int:version>/curves.svg")
    @describe("A version's loss curves, as a picture", errors=(404, 409, 422))
    def draw_version(name: str, version: int) -> Svg:
        title = f"{name}@{version}: loss curves"
        return Svg(record_curve(title, store.describe(name, version).record))

    return routes


def admin_blueprint(
    store: ModelStore, settings: Settings, guard: Guard, max_bytes: int = MAX_CHECKPOINT_BYTES
) -> Blueprint:
    """The routes for admins."""
    routes, faults = guarded("models_admin", guard), Faults(store)

    @routes.get("/models/<name>/versions/<int:version>/weights")
    @describe("A version's checkpoint file", access="admin", content_type=CONTENT_TYPE, errors=(404, 409, 422))
    def download_version(name: str, version: int) -> Response:
        path = store.path(name, version).absolute()
        return send_file(path, CONTENT_TYPE, as_attachment=True, download_name=f"{name}-{path.name}")

    @routes.post("/models/<name>/versions")
    @describe(
        "Import a checkpoint that was trained elsewhere",
        access="admin",
        uploads=(CONTENT_TYPE, "multipart/form-data"),
        parameters=(RequestParameter("promote", "whether to make it `current`", schema=PROMOTE),),
        errors=(503,),
    )
    def publish_version(name: str) -> tuple[VersionReply, Literal[201]]:
        check_name(name)
        checkpoint, policy = _uploaded(store.root, max_bytes)
        publication = publish_and_promote(store, name, checkpoint, policy, reason="uploaded")
        return version_reply(store, faults, name, publication.version), 201

    @routes.put("/models/<name>/aliases/<alias>")
    @describe(
        "Point an alias to a version (promote, roll back)",
        access="admin",
        body=AliasBody,
        errors=(404, 409),
        examples={"promote or roll back": {"version": 1}},
    )
    def set_alias(name: str, alias: str) -> ModelReply:
        store.set_alias(name, alias, json_body(AliasBody, settings).version, reason="by request")
        return _model(store, faults, name)

    @routes.delete("/models/<name>/aliases/<alias>")
    @describe(
        "Delete an alias",
        access="admin",
        description="`current` cannot be deleted. The history is kept, and continues if the alias is set again.",
        errors=(404, 409, 422),
    )
    def delete_alias(name: str, alias: str) -> NoContent:
        store.delete_alias(name, alias, reason="by request")
        return NoContent()

    @routes.delete("/models/<name>/versions/<int:version>")
    @describe(
        "Delete a version that no alias points to",
        access="admin",
        description="Aliases of a damaged version go back to the intact version that they pointed to before; so it"
        " can be deleted although they point to it.",
        errors=(404, 409, 422),
    )
    def delete_version(name: str, version: int) -> NoContent:
        store.delete(name, version)
        return NoContent()

    return routes


def _model(store: ModelStore, faults: Faults, name: str) -> ModelReply:
    page = requested(store.versions(name), number_of, "the number of a version")
    return model_reply(store, faults, name, page.places, page.fields)


def _uploaded(folder: Path, max_bytes: int) -> tuple[Checkpoint, Promote]:
    """The checkpoint in the request's file, which is on disk only while it is read; one at a time, because reading
    takes several times its size in memory."""
    folder.mkdir(parents=True, exist_ok=True)
    remove_dead_drafts(folder)
    with upload(folder, max_bytes, ["promote"], CONTENT_TYPE) as sent, draft(folder) as received:
        policy = one_of(POLICIES, sent.fields.get("promote", DEFAULT_POLICY), "promote")
        for size in accumulate(map(received.file.write, sent.chunks)):
            if size > max_bytes:
                raise too_large(max_bytes, "more")
        received.file.flush()
        with _reading:
            return load_foreign(received.path), policy
