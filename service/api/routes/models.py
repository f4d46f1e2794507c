"""`/models`: versions, their records, aliases; open to read, admin to change."""

from __future__ import annotations

import threading
from itertools import accumulate
from pathlib import Path
from typing import Final, cast, get_args

from flask import Blueprint, Response, jsonify, send_file

from charrnn.checkpoint import Checkpoint
from durable.drafts import draft, remove_dead_drafts
from model_store.distrust import load_foreign
from model_store.faults import Faults
from model_store.names import check_name
from model_store.promotion import Promote, publish_and_promote
from model_store.store import ModelStore
from service.api.http.auth import Guard
from service.api.http.errors import ApiError, shown
from service.api.http.parsing import json_body
from service.api.http.uploads import too_large, upload
from service.api.openapi.described import Parameter, describe
from service.api.routes.model_details import DETAILS, details, wanted
from service.api.schemas import model_json
from service.api.schemas.bodies import AliasBody
from service.api.schemas.replies import SVG, ModelReply, ModelsReply, VersionReply
from service.settings import Settings
from service.training.curves import record_curve

CONTENT_TYPE: Final = "application/octet-stream"
MAX_CHECKPOINT_BYTES: Final = 1 << 30
PROMOTE: Final = {"type": "string", "enum": list(get_args(Promote)), "default": "if_better"}

_reading = threading.Lock()


def open_blueprint(store: ModelStore, faults: Faults, guard: Guard) -> Blueprint:
    """What everyone may read."""
    routes = Blueprint("models", __name__)
    routes.before_request(guard)

    @routes.get("/models")
    @describe("All models", reply=ModelsReply, parameters=(DETAILS,), errors=(422,))
    def list_models() -> Response:
        more = wanted()
        return jsonify(
            models=[
                model_json.summary(store, faults, name) | (details(store, faults, name) if more else {})
                for name in store.models()
            ]
        )

    @routes.get("/models/<name>")
    @describe("A model's versions and aliases", reply=ModelReply, errors=(404, 422))
    def show_model(name: str) -> Response:
        return jsonify(model_json.model(store, faults, name))

    @routes.get("/models/<name>/versions/<int:version>")
    @describe("A version's record", reply=VersionReply, errors=(404, 422))
    def show_version(name: str, version: int) -> Response:
        return jsonify(model_json.version(store, faults, name, version))

    @routes.get("/models/<name>/versions/<int:version>/curves.svg")
    @describe("A version's loss curves, as a picture", reply=SVG, errors=(404, 409, 422))
    def draw_version(name: str, version: int) -> Response:
        title = f"{name}@{version}: loss curves"
        return Response(record_curve(title, store.describe(name, version).record), mimetype=SVG)

    return routes


def admin_blueprint(
    store: ModelStore, settings: Settings, guard: Guard, max_bytes: int = MAX_CHECKPOINT_BYTES
) -> Blueprint:
    """What only an admin may do."""
    routes, faults = Blueprint("models_admin", __name__), Faults(store)
    routes.before_request(guard)

    @routes.get("/models/<name>/versions/<int:version>/weights")
    @describe("A version's checkpoint file", access="admin", reply=CONTENT_TYPE, errors=(404, 409, 422))
    def download_version(name: str, version: int) -> Response:
        path = store.path(name, version).absolute()
        return send_file(path, CONTENT_TYPE, as_attachment=True, download_name=f"{name}-{path.name}")

    @routes.post("/models/<name>/versions")
    @describe(
        "Import a checkpoint that was trained elsewhere",
        access="admin",
        uploads=(CONTENT_TYPE, "multipart/form-data"),
        parameters=(Parameter("promote", "whether to make it `current`", schema=PROMOTE),),
        reply=VersionReply,
        status=201,
        errors=(503,),
    )
    def publish_version(name: str) -> tuple[Response, int]:
        check_name(name)
        checkpoint, policy = _uploaded(store.root, max_bytes)
        publication = publish_and_promote(store, name, checkpoint, policy, reason="uploaded")
        return jsonify(model_json.version(store, faults, name, publication.version)), 201

    @routes.put("/models/<name>/aliases/<alias>")
    @describe(
        "Point an alias to a version (promote, roll back)",
        access="admin",
        body=AliasBody,
        reply=ModelReply,
        errors=(404, 409),
        examples={"promote or roll back": {"version": 1}},
    )
    def set_alias(name: str, alias: str) -> Response:
        store.set_alias(name, alias, json_body(AliasBody, settings).version, reason="by request")
        return jsonify(model_json.model(store, faults, name))

    @routes.delete("/models/<name>/aliases/<alias>")
    @describe(
        "Delete an alias",
        access="admin",
        description="`current` cannot be deleted. The history is kept, and continues if the alias is set again.",
        status=204,
        errors=(404, 409, 422),
    )
    def delete_alias(name: str, alias: str) -> Response:
        store.delete_alias(name, alias, reason="by request")
        return Response(status=204)

    @routes.delete("/models/<name>/versions/<int:version>")
    @describe(
        "Delete a version that no alias points to",
        access="admin",
        description="Aliases of a damaged version go back to the intact version that they pointed to before.",
        status=204,
        errors=(404, 409, 422),
    )
    def delete_version(name: str, version: int) -> Response:
        store.delete(name, version)
        return Response(status=204)

    return routes


def _policy(given: str) -> Promote:
    for policy in get_args(Promote):
        if given == policy:
            return cast(Promote, policy)
    raise ApiError(422, "invalid_value", f"promote must be if_better, always or never, not {shown(given)}", "promote")


def _uploaded(folder: Path, max_bytes: int) -> tuple[Checkpoint, Promote]:
    """The request's file, on disk only while it is read; one at a time, since reading takes several times its size."""
    folder.mkdir(parents=True, exist_ok=True)
    remove_dead_drafts(folder)
    with upload(folder, max_bytes, ["promote"], CONTENT_TYPE) as sent, draft(folder) as received:
        policy = _policy(sent.fields.get("promote", "if_better"))
        for size in accumulate(map(received.file.write, sent.chunks)):
            if size > max_bytes:
                raise too_large(max_bytes, "more")
        received.file.flush()
        with _reading:
            return load_foreign(received.path), policy
