"""`POST /records`: as lines of JSON or plain text, what is wrong before the first record and after it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from charrnn.checkpoint import Checkpoint
from charrnn.engine.base import Engine
from charrnn.engine.cpu.batch import CpuEngine
from charrnn.fingerprints import fingerprints
from charrnn.novelty import KnownTexts
from charrnn.patterns.compiling import compile_pattern
from charrnn.tasks.arrangement import TEXT, Arrangement
from charrnn.vocabulary import Vocabulary
from model_store.known_texts import keep_known_texts
from model_store.promotion import publish_and_promote
from model_store.store import ModelStore
from service.bootstrap.web import build_web
from service.generation.records.generator import MAX_STREAMS
from service.generation.scheduling.scheduler import Scheduler
from tests.networks import random_network
from tests.replies import shape
from tests.service.api.conftest import MemoryQueue, settings_in
from tests.service.conftest import CountingEngine, MemoryRedis

LABELS = ("female", "male")
MODELS = {
    "text": TEXT,
    "names": Arrangement("generate", "separator", "--"),
    "lines": Arrangement("generate", "line", "\n"),
    "labels": Arrangement("generate", "line", "\n", LABELS),
    "classifier": Arrangement("classify", "line", "\n", LABELS),
}
KNOWN = ("", "a", "b", "c", "ab", "ba")
"""What the model of names has been trained on."""

Build = Callable[[Checkpoint], Engine]


def client_in(folder: Path, scheduler: Scheduler, build: Build) -> FlaskClient:
    settings = settings_in(folder)
    store = ModelStore(settings.data.models)
    for name, arrangement in MODELS.items():
        publish_and_promote(store, name, random_network(Vocabulary("-abc"), "gru", 6, arrangement=arrangement))
    known = KnownTexts.room_for(len(KNOWN))
    known.add(fingerprints(KNOWN))
    keep_known_texts(store, "names", 1, known)
    process = build_web(
        settings, engines=build, redis=MemoryRedis(), queue=MemoryQueue(), scheduler=scheduler, compile=compile_pattern
    )
    return process.application.test_client()


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlaskClient]:
    scheduler = Scheduler(max_active=4, max_waiting=4)
    scheduler.start()
    yield client_in(tmp_path_factory.mktemp("records"), scheduler, CpuEngine)
    scheduler.close()


def ask(client: FlaskClient, accept: str = "*/*", **body: Any) -> TestResponse:
    return client.post("/records", json={"model": "names", "count": 3, "seed": 0, **body}, headers={"Accept": accept})


def lines(reply: TestResponse) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The records and the last line, all as documented."""
    assert reply.status_code == 200, reply.text
    *records, end = reply.text.splitlines()
    made = [shape("RecordLine").validate_json(line, strict=True) for line in records]
    return made, shape("RecordsEnd").validate_json(end, strict=True)


def test_records_are_lines_of_json(client: FlaskClient) -> None:
    reply = ask(client, count=3)
    records, end = lines(reply)
    assert reply.mimetype == "application/x-ndjson" and reply.headers["X-Seed"] == "0"
    assert reply.headers["X-Model"] == "names@1"
    assert [record["index"] for record in records] == [0, 1, 2] == [record["seed"] for record in records]
    assert end.pop("seconds") > 0 and not end.pop("skipped") and not end.pop("pattern_skipped")
    counts = {"count": 3, "tried": 3, "exhausted": False}
    assert end == {"done": True, **counts, "model": "names", "version": 1, "seed": 0}


@pytest.mark.parametrize("seed", [7, (1 << 63) - 3])
def test_each_is_what_generate_gives_with_its_seed(client: FlaskClient, seed: int) -> None:
    records, _ = lines(ask(client, count=30, seed=seed, prompt="ab", length=5))
    for record in records:
        body = {"model": "names", "prompt": "ab", "length": 5, "seed": record["seed"], "echo": True}
        choice = client.post("/generate", json=body).json["choices"][0]  # type: ignore[index]
        assert (choice["text"], choice["finish_reason"]) == (record["text"], record.get("finish_reason", "end"))
    assert {record["seed"] < 0 for record in records} == {False, seed > 7}
    assert {record.get("finish_reason") for record in records} == {None, "length"}


def test_plain_text_has_the_separator_after_each(client: FlaskClient) -> None:
    reply = ask(client, "text/plain", count=3)
    assert reply.mimetype == "text/plain"
    assert reply.text == "".join(f"{record['text']}--" for record in lines(ask(client, count=3))[0])
    assert ask(client, "text/plain", model="lines", seed=2, count=2).text.count("\n") == 2


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("*/*", "application/x-ndjson"),
        ("text/*", "text/plain"),
        ("text/plain;q=0.5, application/x-ndjson", "application/x-ndjson"),
        ("application/json", "application/x-ndjson"),
        ("image/png", "application/x-ndjson"),
    ],
)
def test_the_header_accept_decides(client: FlaskClient, accept: str, kind: str) -> None:
    reply = ask(client, accept, count=1)
    assert (reply.mimetype, reply.headers["Vary"]) == (kind, "Accept")


def test_a_seed_is_drawn_and_reported(client: FlaskClient) -> None:
    reply = ask(client, seed=None, count=2)
    records, end = lines(reply)
    assert records[0]["seed"] == end["seed"] == int(reply.headers["X-Seed"])
    assert lines(ask(client, seed=end["seed"], count=2))[0] == records
    assert lines(ask(client, seed=None, count=2))[1]["seed"] != end["seed"]


def test_an_offset_begins_later(client: FlaskClient) -> None:
    records, end = lines(ask(client, count=3, offset=5))
    whole, _ = lines(ask(client, count=8))
    assert [(each["text"], each["seed"]) for each in records] == [(each["text"], each["seed"]) for each in whole[5:]]
    assert [each["index"] for each in records] == [0, 1, 2] and (end["seed"], end["tried"]) == (0, 3)
    assert lines(ask(client, count=2, offset=5, novel=True))[0] == records[:2]


def test_unique_and_novel_pass_over(client: FlaskClient) -> None:
    all_texts = [record["text"] for record in lines(ask(client, count=200))[0]]
    expected = [text for text in dict.fromkeys(all_texts) if text not in KNOWN]
    records, end = lines(ask(client, count=20, unique=True, novel=True))
    assert [record["text"] for record in records] == expected[:20]
    assert [record["index"] for record in records] == list(range(20))
    assert [record["seed"] for record in records] == [all_texts.index(text) for text in expected[:20]]
    assert (end["count"], end["tried"], end["exhausted"]) == (20, records[-1]["seed"] + 1, False)


def test_what_cannot_be_reached_ends_with_what_there_is(client: FlaskClient) -> None:
    asked: dict[str, Any] = {"count": 1000, "unique": True, "length": 2}
    records, end = lines(ask(client, **asked))
    texts = {record["text"] for record in records}
    assert len(records) == end["count"] == len(texts) <= 21
    assert end["exhausted"] and end["tried"] == records[-1]["seed"] + 1 + 50
    assert ask(client, "text/plain", **asked).text == "".join(f"{record['text']}--" for record in records)


def test_a_label_is_read_before_each(client: FlaskClient) -> None:
    records, _ = lines(ask(client, model="labels", count=9, label="male"))
    body = {"model": "labels", "label": "male", "seed": 2, "length": 1000}
    assert records[2]["text"] == client.post("/generate", json=body).json["text"]  # type: ignore[index]
    assert records != lines(ask(client, model="labels", count=9, label="female"))[0]


def test_skipped_characters_are_listed(client: FlaskClient) -> None:
    records, end = lines(ask(client, prompt="A-b", unknown="skip"))
    assert all(record["text"].startswith("-b") for record in records)
    assert end["skipped"] == [{"position": 0, "character": "A"}]


REFUSED: list[tuple[dict[str, Any], int, str, str | None, str]] = [
    ({"model": "text"}, 422, "wrong_task", "model", "continues one endless text, without records: ask POST /gen"),
    ({"model": "classifier"}, 422, "wrong_task", "model", "is a model to classify: ask POST /classify"),
    ({"model": "nothing"}, 404, "model_not_found", "model", "there is no model nothing"),
    ({"label": "male"}, 422, "unknown_label", "label", "it was trained without labels"),
    (
        {"model": "labels", "label": "mail"},
        *(422, "unknown_label", "label", "no label 'mail'; the closest of 2 labels: 'male'"),
    ),
    ({"prompt": "a--b"}, 422, "invalid_value", "prompt", "prompt: it has the separator of the model's records, '--'"),
    ({"prompt": "aB"}, 422, "unknown_character", "prompt", "prompt: 1 character outside the vocabulary: 'B' at 1"),
    ({"prompt": "a" * 2001}, 422, "invalid_value", "prompt", "at most 2000 characters (MAX_PROMPT_LENGTH), not 2001"),
    ({"count": None}, 422, "invalid_value", "count", "count is required"),
    ({"count": 0}, 422, "invalid_value", "count", "greater than or equal to 1, not 0"),
    ({"count": 1_000_001}, 422, "invalid_value", "count", "less than or equal to 1000000, not 1000001"),
    ({"count": "5"}, 422, "invalid_value", "count", "should be a valid integer, not '5'"),
    ({"count": True}, 422, "invalid_value", "count", "should be a valid integer, not true"),
    ({"length": 0}, 422, "invalid_value", "length", "greater than or equal to 1, not 0"),
    ({"length": 1001}, 422, "invalid_value", "length", "at most 1000 tokens (MAX_LENGTH), not 1001"),
    ({"offset": -1}, 422, "invalid_value", "offset", "greater than or equal to 0, not -1"),
    ({"offset": 1 << 53}, 422, "invalid_value", "offset", "less than 9007199254740992"),
    ({"offset": 1, "unique": True}, 422, "invalid_value", "offset", "offset must be 0 with unique, not 1"),
    ({"model": "lines", "novel": True}, 422, "no_known_texts", "novel", "which records lines version 1 was trained on"),
    ({"unique": "yes"}, 422, "invalid_value", "unique", "should be a valid boolean"),
    ({"temperature": 11}, 422, "invalid_value", "temperature", "less than or equal to 10, not 11"),
    ({"seed": "7"}, 422, "invalid_value", "seed", "seed must be an integer"),
    ({"logprobs": 1}, 422, "invalid_value", "logprobs", "records have none, but POST /generate returns them"),
    ({"allowed_token_ids": [5]}, 422, "unknown_id", "allowed_token_ids", "from 0 to 4, not 5"),
    ({"n": 2}, 422, "unknown_field", "n", "'n' is not a field of this request"),
    ({"stop": "a"}, 422, "unknown_field", "stop", "'stop' is not a field of this request"),
]


@pytest.mark.parametrize(
    ("body", "status", "code", "param", "message"), REFUSED, ids=[str(each[0])[:40] for each in REFUSED]
)
def test_what_is_refused(
    client: FlaskClient, body: dict[str, Any], status: int, code: str, param: str | None, message: str
) -> None:
    reply = ask(client, "text/plain", **body)
    error = shape("ErrorReply").validate_json(reply.data)["error"]
    assert (reply.status_code, error["code"], error["param"]) == (status, code, param)
    assert message in error["message"]


@pytest.fixture
def breaking(tmp_path: Path, scheduler: Scheduler) -> Callable[[int], FlaskClient]:
    """A client of a service whose engine breaks after that many steps."""

    def breaking_after(steps: int) -> FlaskClient:
        left = iter(range(steps))

        def gate() -> None:
            if next(left, None) is None:
                raise RuntimeError("the engine broke")

        engine = CountingEngine(5)
        engine.gate = gate
        return client_in(tmp_path, scheduler, lambda _: engine)

    return breaking_after


@pytest.mark.parametrize("accept", ["text/plain", "*/*"])
def test_what_fails_before_the_first_record_has_its_status(breaking: Callable[[int], FlaskClient], accept: str) -> None:
    reply = ask(breaking(3), accept, count=1000)
    assert (reply.status_code, reply.json["error"]["code"]) == (500, "internal_error")  # type: ignore[index]


def test_a_stream_that_fails_says_so_in_its_last_line(breaking: Callable[[int], FlaskClient]) -> None:
    *records, last = ask(breaking(30), count=1000).text.splitlines()
    assert len(records) > 1 and json.loads(records[-1])["index"] == len(records) - 1
    error = shape("ErrorReply").validate_json(last)["error"]
    assert (error["code"], "broke" in error["message"]) == ("internal_error", False)


def test_plain_text_that_fails_is_cut_off(breaking: Callable[[int], FlaskClient]) -> None:
    with pytest.raises(ConnectionAbortedError, match="an error on the server"):
        _ = ask(breaking(30), "text/plain", count=1000).text


def test_so_many_streams_and_no_more(client: FlaskClient) -> None:
    body = {"model": "names", "count": 1_000_000}
    replies = [client.post("/records", json=body, buffered=False) for _ in range(MAX_STREAMS)]
    refused = client.post("/records", json=body)
    assert (refused.status_code, refused.json["error"]["code"], refused.headers["Retry-After"]) == (429, "busy", "5")  # type: ignore[index]
    assert refused.json["error"]["message"].startswith(f"{MAX_STREAMS} streams of records")  # type: ignore[index]
    for reply in replies:
        reply.close()
    assert ask(client).status_code == 200
