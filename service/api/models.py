"""`/models`: versions, their records, aliases; open to read, admin to change."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from flask import Blueprint, Response, jsonify, send_file

from model_store.store import ModelStore, VersionRecord
from service.api.auth import Guard
from service.api.parsing import json_body
from service.api.schemas import AliasBody
from service.settings import Settings


def open_blueprint(store: ModelStore, guard: Guard) -> Blueprint:
    """What everyone may read."""
    routes = Blueprint("models", __name__)
    routes.before_request(guard)

    @routes.get("/models")
    def list_models() -> Response:
        return jsonify(models=[_summary(store, name) for name in store.models()])

    @routes.get("/models/<name>")
    def show_model(name: str) -> Response:
        return jsonify(_model(store, name))

    @routes.get("/models/<name>/versions/<int:version>")
    def show_version(name: str, version: int) -> Response:
        return jsonify(_version(store, store.describe(name, version)))

    return routes


def admin_blueprint(store: ModelStore, settings: Settings, guard: Guard) -> Blueprint:
    """What only an admin may do."""
    routes = Blueprint("models_admin", __name__)
    routes.before_request(guard)

    @routes.get("/models/<name>/versions/<int:version>/weights")
    def download(name: str, version: int) -> Response:
        path = store.path(name, version).absolute()
        return send_file(path, "application/octet-stream", as_attachment=True, download_name=f"{name}-{path.name}")

    @routes.put("/models/<name>/aliases/<alias>")
    def promote(name: str, alias: str) -> Response:
        store.set_alias(name, alias, json_body(AliasBody, settings).version, reason="by request")
        return jsonify(_model(store, name))

    @routes.delete("/models/<name>/versions/<int:version>")
    def delete(name: str, version: int) -> Response:
        store.delete(name, version)
        return Response(status=204)

    return routes


def _summary(store: ModelStore, name: str) -> dict[str, Any]:
    return {"name": name, "versions": store.versions(name), "aliases": store.aliases(name)}


def _model(store: ModelStore, name: str) -> dict[str, Any]:
    aliases = store.aliases(name)
    history = {alias: [asdict(change) for change in store.history(name, alias)] for alias in aliases}
    versions = [_version(store, store.describe(name, version)) for version in store.versions(name)]
    return {"name": name, "aliases": aliases, "history": history, "versions": versions}


def _version(store: ModelStore, entry: VersionRecord) -> dict[str, Any]:
    aliases = sorted(alias for alias, held in store.aliases(entry.name).items() if held == entry.version)
    return {
        "model": entry.name,
        "version": entry.version,
        "digest": entry.digest,
        "bytes": entry.bytes,
        "published": entry.published,
        "aliases": aliases,
        "config": asdict(entry.config),
        "record": entry.record,
    }
