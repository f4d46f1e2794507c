"""What a version's cells follow, found out by a search of a real network that was made to watch quotes."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import pytest
from flask.testing import FlaskClient
from pydantic import TypeAdapter

from charrnn.checkpoint import Checkpoint
from charrnn.engine.cpu.batch import CpuEngine
from charrnn.interpretation.annotators import ANNOTATORS
from charrnn.tasks.arrangement import Arrangement
from charrnn.vocabulary import Vocabulary
from model_store.promotion import publish_and_promote
from model_store.store import ModelStore
from service.api.schemas.replies.cells import CellsReply
from service.training.corpora.store import CorpusStore
from service.training.records.format import Fields, RecordFormat
from service.training.records.steps import StepsOptions, corpus_records
from service.training.units import KIND
from tests.networks import WATCHING, quote_watcher

CLAUSES = ["he said ", "\u201cnot so\u201d ", "to her and\n", "went (as if) away, ", "\u201call in\u201d ", "vain\n\n"]
TEXT = "".join(random.Random(7).choices(CLAUSES, k=600))
PATH = "/models/letters/versions/1/cells"


def network(**record: Any) -> Checkpoint:
    return quote_watcher(Vocabulary.of([TEXT]), validation_loss=1.0, **record)


@pytest.fixture(scope="module")
def engine() -> CpuEngine:
    return CpuEngine(network(), "float32")


@pytest.fixture
def new_checkpoint() -> Callable[..., Checkpoint]:
    return network


@pytest.fixture
def client(new_client: Callable[..., FlaskClient]) -> FlaskClient:
    return new_client(max_prompt_length=20_000)


@pytest.fixture
def corpora(client: FlaskClient, settings: Any) -> CorpusStore:
    return CorpusStore(settings.data_dir / "corpora")


def search(client: FlaskClient, admin: dict[str, str], path: str = PATH, **body: Any) -> Any:
    return client.post(path, json=body, headers=admin)


def refused(reply: Any, status: int, code: str, *words: str) -> None:
    assert (reply.status_code, reply.json["error"]["code"]) == (status, code), reply.text
    assert all(word in reply.json["error"]["message"] for word in words), reply.text


def version_of(client: FlaskClient) -> Any:
    return client.get(PATH.removesuffix("/cells")).json


def test_an_admin_has_it_found_out_and_everyone_may_read_it(client: FlaskClient, admin: dict[str, str]) -> None:
    refused(client.get(PATH), 404, "no_cells", "POST /models/letters/versions/1/cells")
    assert version_of(client)["cells"] is None
    found = search(client, admin, text=TEXT)
    assert found.status_code == 200, found.text
    assert version_of(client)["cells"] == PATH
    assert client.get(PATH).json == found.json
    TypeAdapter(CellsReply).validate_json(found.data, strict=True)
    assert (found.json["model"], found.json["version"]) == ("letters", 1)
    assert found.json["measured_on"] == {"characters": len(TEXT), "held_out": False}
    quotes = next(cell for cell in found.json["cells"] if cell["slug"] == "double-quotes")
    assert (quotes["layer"], quotes["unit"], quotes["part"], quotes["sign"]) == (0, WATCHING, "hidden", 1)
    assert quotes["score"] > 0.99 > quotes["chance"]
    told = [each["slug"] for each in found.json["cells"] + found.json["not_found"] + found.json["undecided"]]
    assert sorted(told) == sorted(annotator.slug for annotator in ANNOTATORS)


def test_its_own_corpus_is_known_to_be_held_out(
    client: FlaskClient, admin: dict[str, str], corpora: CorpusStore, model_store: ModelStore
) -> None:
    corpus, _ = corpora.add([TEXT.encode()], "clauses")
    other, _ = corpora.add([TEXT[1:].encode()], "other")
    record = {"corpus": {"name": "clauses", "sha256": corpus.sha256}, "characters": {"validation": 2500}}
    version = model_store.publish("letters", network(**record))
    path = f"/models/letters/versions/{version}/cells"
    on = search(client, admin, path, corpus=corpus.id).json["measured_on"]
    assert on["held_out"] is True
    assert 2000 <= on["characters"] <= 2500
    on = search(client, admin, path, corpus=other.id).json["measured_on"]
    assert on == {"characters": len(TEXT) - 1, "held_out": False}


def test_a_picture_of_the_models_own_text(client: FlaskClient, admin: dict[str, str]) -> None:
    search(client, admin, text=TEXT)
    svg, again = (client.get(f"{PATH}/double-quotes.svg") for _ in range(2))
    assert (svg.status_code, svg.mimetype) == (200, "image/svg+xml"), svg.text
    assert "inside double quotes" in svg.text
    assert ElementTree.fromstring(svg.text).tag.endswith("svg")
    assert svg.data == again.data
    png = client.get(f"{PATH}/double-quotes.png")
    assert (png.status_code, png.mimetype, png.data[:4]) == (200, "image/png", b"\x89PNG")


def test_a_picture_of_what_no_cell_follows(client: FlaskClient, admin: dict[str, str]) -> None:
    refused(client.get(f"{PATH}/double-quotes.svg"), 404, "no_cells")
    search(client, admin, text=TEXT)
    refused(client.get(f"{PATH}/comment.png"), 404, "cell_not_found", "does not occur", "double-quotes")
    refused(client.get(f"{PATH}/humour.svg"), 404, "cell_not_found", "'humour'")


def test_a_model_whose_cells_follow_nothing_says_so(client: FlaskClient, admin: dict[str, str]) -> None:
    found = search(client, admin, text="he said vain and\n" * 150).json
    assert found["cells"] == []
    assert len(found["not_found"]) + len(found["undecided"]) == len(ANNOTATORS)
    assert all(each["score"] is not None for each in found["not_found"]), "what is undecided is not 'not found'"
    refused(client.get(f"{PATH}/braces.svg"), 404, "cell_not_found", "none")


@pytest.mark.parametrize(
    ("body", "status", "code", "words"),
    [
        ({}, 422, "invalid_value", ["corpus or text", "neither"]),
        ({"text": TEXT, "corpus": "0" * 16}, 422, "invalid_value", ["both"]),
        ({"text": ""}, 422, "too_short", ["text: at least 2000 tokens", "not 0"]),
        ({"text": "he " * 600}, 422, "too_short", ["not 1800"]),
        ({"text": "he " * 7000}, 422, "invalid_value", ["text must be at most 20000", "21000"]),
        ({"text": TEXT + "Q"}, 422, "unknown_character", ["text: 1 character ", "'Q'"]),
        ({"corpus": "0" * 16}, 404, "corpus_not_found", ["0000"]),
        ({"corpus": "../x"}, 404, "corpus_not_found", []),
        ({"corpus": 5}, 422, "invalid_value", ["corpus"]),
        ({"text": TEXT, "units": 3}, 422, "unknown_field", ["units"]),
    ],
)
def test_bad_input(
    client: FlaskClient, admin: dict[str, str], body: dict[str, Any], status: int, code: str, words: list[str]
) -> None:
    refused(search(client, admin, **body), status, code, *words)
    assert client.get(PATH).status_code == 404


def test_what_a_version_does_not_know_can_be_skipped(client: FlaskClient, admin: dict[str, str]) -> None:
    found = search(client, admin, text=TEXT + "QQQ", unknown="skip")
    assert found.json["measured_on"]["characters"] == len(TEXT)


def test_versions_that_are_not_there(client: FlaskClient, admin: dict[str, str]) -> None:
    for path in ("/models/letters/versions/7/cells", "/models/nobody/versions/1/cells"):
        assert client.get(path).status_code == search(client, admin, path, text=TEXT).status_code == 404
        assert client.get(f"{path}/comment.svg").status_code == 404


def test_only_an_admin_may_search(new_client: Any, app_key: dict[str, str]) -> None:
    client = new_client(api_keys=("app-key",))
    assert client.post(PATH, json={"text": TEXT}).status_code == 401
    assert client.post(PATH, json={"text": TEXT}, headers=app_key).status_code == 403
    assert client.get(PATH).status_code == 401
    assert client.get(PATH, headers=app_key).status_code == 404


def test_the_sidecar_of_a_version_is_what_is_returned(client: FlaskClient, model_store: ModelStore) -> None:
    kept = {"measured_on": {"characters": 5, "held_out": True}, "cells": [], "not_found": [], "undecided": []}
    model_store.keep("letters", 1, KIND, kept)
    assert client.get(PATH).json == {"model": "letters", "version": 1, **json.loads(json.dumps(kept))}


def test_what_an_older_sidecar_could_not_tell_is_not_shown_as_not_found(
    client: FlaskClient, model_store: ModelStore
) -> None:
    told = {"slug": "digit", "follows": "a digit", "score": 0.52, "chance": 0.6, "reason": "no cell is better"}
    untold = {"slug": "tag", "follows": "inside a tag", "score": None, "chance": None, "reason": "does not occur"}
    kept = {"measured_on": {"characters": 5, "held_out": True}, "cells": [], "not_found": [untold, told]}
    model_store.keep("letters", 1, KIND, kept)
    found: Any = client.get(PATH).json
    assert (found["not_found"], found["undecided"]) == ([told], [untold])


RECORDS = [each.strip() for each in random.Random(5).choices(CLAUSES, k=400) if each.strip()]
LINES = "\n".join(RECORDS)


@pytest.mark.parametrize("task", ["generate", "classify", "transduce"])
def test_records_are_searched_one_by_one(
    new_client: Callable[..., FlaskClient], admin: dict[str, str], model_store: ModelStore, task: Any
) -> None:
    arrangement = Arrangement(task, "line", "\n", ("x", "y") if task == "classify" else ())
    publish_and_promote(model_store, "lines", quote_watcher(Vocabulary.of(RECORDS), arrangement=arrangement))
    client = new_client(engines=CpuEngine, max_prompt_length=20_000)
    path = "/models/lines/versions/1/cells"
    found = search(client, admin, path, text=LINES)
    assert found.status_code == 200, found.text
    assert found.json["measured_on"] == {"characters": sum(map(len, RECORDS)), "held_out": False}
    assert "double-quotes" in [cell["slug"] for cell in found.json["cells"]]
    picture: Any = client.get(f"{path}/double-quotes.svg")
    if task == "generate":
        assert (picture.status_code, picture.mimetype) == (200, "image/svg+xml"), picture.text
        assert picture.data == client.get(f"{path}/double-quotes.svg").data
    else:
        refused(picture, 422, "wrong_task", f"POST /{task}")


@pytest.mark.parametrize("names", [("text", "label"), ("said", "by")])
def test_a_corpus_of_records_is_searched_as_it_was_divided_for_the_version(
    new_client: Callable[..., FlaskClient],
    admin: dict[str, str],
    model_store: ModelStore,
    settings: Any,
    names: tuple[str, str],
) -> None:
    corpora = CorpusStore(settings.data_dir / "corpora")
    texts = [" ".join(RECORDS[i : i + 4]) for i in range(0, len(RECORDS) - 4, 2)]
    text, label = names
    rows = "".join(json.dumps({text: each, label: "xy"[len(each) % 2]}) + "\n" for each in texts)
    format = RecordFormat() if text == "text" else RecordFormat(fields=Fields(text=text, label=label))
    corpus, _ = corpora.add([rows.encode()], "rows")
    client = new_client(engines=CpuEngine)
    arrangement = Arrangement("classify", "line", "\n", ("x", "y"))
    told = {"sha256": corpus.sha256, "format": format.as_dict()}
    kept = {"corpus": told, "training": {"validation_fraction": 0.4}}
    network = quote_watcher(Vocabulary.of(texts), arrangement=arrangement, **kept)
    publish_and_promote(model_store, "rows", network)
    path = "/models/rows/versions/1/cells"
    here = search(client, admin, path, corpus=corpus.id).json
    on = here["measured_on"]
    assert on["held_out"] is True and 2000 <= on["characters"] < 0.6 * sum(map(len, texts))
    shutil.rmtree(next(corpora.folder(corpus).glob("records-*")))
    corpus_records(corpora, corpus, StepsOptions("classify", format))
    assert search(client, admin, path, corpus=corpus.id).json == here, "as on the machine that trained it"
    other, _ = corpora.add([LINES.encode()], "lines")
    refused(search(client, admin, path, corpus=other.id), 422, "invalid_value", "is not known: give some as text")
