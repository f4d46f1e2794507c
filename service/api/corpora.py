"""`/corpora`: texts to train on, uploaded, listed, deleted."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from flask import Blueprint, Response, jsonify

from model_store.names import NAME_PATTERN, check_name
from service.api.auth import Guard
from service.api.described import Parameter, describe
from service.api.jobs import describe_job
from service.api.replies import AnyCorpus, CorporaReply, NewCorpus
from service.api.uploads import upload
from service.settings import Settings
from service.training.corpora import Corpus, CorpusStore
from service.training.errors import CorpusDamagedError
from service.training.jobs import JobStore
from service.training.requests import JobRequest
from service.training.submission import Queue, submit

NAME = f"^{NAME_PATTERN}$"


def blueprint(corpora: CorpusStore, jobs: JobStore, queue: Queue, settings: Settings, guard: Guard) -> Blueprint:
    """The routes of corpora, all of them an admin's."""
    routes = Blueprint("corpora", __name__, url_prefix="/corpora")
    routes.before_request(guard)

    @routes.post("")
    @describe(
        "Upload a text to train on",
        description="With `model`, training starts at once and its `job` is in the reply. The same text again: 200.",
        access="admin",
        uploads=("text/plain", "multipart/form-data"),
        parameters=(
            Parameter("name", "what the corpus is called"),
            Parameter("model", "what to train of it at once", schema={"type": "string", "pattern": NAME}),
        ),
        reply=NewCorpus,
        status=201,
        other_status=200,
        errors=(503,),
    )
    def add() -> tuple[Response, int]:
        with upload(settings.data_dir / "corpora", settings.max_corpus_bytes) as sent:
            if (model := sent.fields.get("model")) is not None:
                check_name(model)
            corpus, created = corpora.add(sent.chunks, sent.name, sent.size)
        reply = describe_corpus(corpus)
        if model is not None:
            reply["job"] = describe_job(submit(JobRequest(corpus.id, model), corpora, jobs, queue))
        return jsonify(reply), 201 if created else 200

    @routes.get("")
    @describe("All corpora", access="admin", reply=CorporaReply)
    def list_all() -> Response:
        damaged = [{"id": id, "damaged": reason} for id, reason in corpora.damaged().items()]
        return jsonify(corpora=[*map(describe_corpus, corpora.list()), *damaged])

    @routes.get("/<corpus_id>")
    @describe("A corpus", access="admin", reply=AnyCorpus, errors=(404,))
    def show(corpus_id: str) -> Response:
        try:
            return jsonify(describe_corpus(corpora.get(corpus_id)))
        except CorpusDamagedError as error:
            return jsonify(id=corpus_id, damaged=error.reason)

    @routes.delete("/<corpus_id>")
    @describe("Delete a corpus that no job needs", access="admin", status=204, errors=(404, 409))
    def delete(corpus_id: str) -> Response:
        corpora.delete(corpus_id)
        return Response(status=204)

    return routes


def describe_corpus(corpus: Corpus) -> dict[str, Any]:
    """The JSON of a corpus."""
    return asdict(corpus)
