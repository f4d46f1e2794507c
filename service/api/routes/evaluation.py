"""`/models/{name}/versions/{version}/evaluation`: how good a version is on the records that were held out."""

from __future__ import annotations

from flask import Blueprint

from model_store.store import ModelStore
from service.api.http.auth import Guard, guarded
from service.api.http.errors import ApiError
from service.api.openapi.operations import describe
from service.api.schemas.replies.evaluation import EvaluationReply, kept_evaluation_reply
from service.training.evaluation import KIND


def blueprint(store: ModelStore, guard: Guard) -> Blueprint:
    """The route, open to apps."""
    routes = guarded("evaluation", guard)

    @routes.get("/models/<name>/versions/<int:version>/evaluation")
    @describe(
        "How good a version is on held-out records",
        description="Measured at the end of its training. What is in the reply depends on the task.",
        errors=(404, 409, 422),
    )
    def show_evaluation(name: str, version: int) -> EvaluationReply:
        arrangement = store.describe(name, version).record.arrangement
        kept = store.kept(name, version, KIND)
        reply = None if kept is None else kept_evaluation_reply(name, version, arrangement.labels, kept)
        if reply is None:
            known = "; its record has the loss on the text that was held out" if arrangement.is_text else ""
            message = f"nothing was measured of {name}@{version} on held-out records{known}"
            raise ApiError(404, "no_evaluation", message, "version")
        return reply

    return routes
