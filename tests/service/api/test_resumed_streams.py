"""A stream of texts goes on after any of its events: nothing is lost, nothing comes twice."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from flask.testing import FlaskClient

from service.generation.scheduling.scheduler import Scheduler
from tests.replies import SentEvent, sent_events

ASK: dict[str, Any] = {"prompt": "xa", "seed": 1, "stream": True, "cache": False}
ALL = {
    "length": 9,
    "n": 2,
    "logprobs": 1,
    "echo": True,
    "return_token_ids": True,
    "stop": "mo",
    "stream_options": {"continuous_usage_stats": True, "include_usage": True},
}


@pytest.fixture
def slow(engine: Any) -> None:
    """Steps so slow that a stream has a piece for each."""
    engine.gate = lambda: time.sleep(0.03)


def stream(client: FlaskClient, path: str, body: dict[str, Any], after: str | None = None) -> list[SentEvent]:
    headers = {} if after is None else {"Last-Event-ID": after}
    reply = client.post(path, json=body, headers=headers)
    assert (reply.status_code, reply.mimetype) == (200, "text/event-stream"), reply.text
    *events, done = sent_events(reply.text)
    assert done.data == "[DONE]"
    return events


def told(events: Sequence[SentEvent]) -> dict[Any, Any]:
    """What the events say of each choice, put together, and of the whole."""
    whole: dict[Any, dict[str, Any]] = defaultdict(dict)
    for event in map(json.loads, (event.data for event in events)):
        for choice in event.get("choices") or [event]:
            mine = whole[choice.get("index", "whole")]
            for name in ("text", "prompt_token_ids", "token_ids", "skipped"):
                if name in choice:
                    mine[name] = mine[name] + choice[name] if name in mine else choice[name]
            logprobs = choice.get("logprobs") or {}
            columns = logprobs if isinstance(logprobs, dict) else {"each": logprobs}
            for name, values in columns.items():
                mine[name] = mine.get(name, []) + values
            mine["finish_reason"] = mine.get("finish_reason") or choice.get("finish_reason")
            mine["usage"] = event.get("usage")
    return dict(whole)


@pytest.mark.usefixtures("slow")
@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/generate", {"length": 12}),
        ("/generate", ALL),
        ("/generate", {"length": 3, "prompt": "", "n": 3, "return_token_ids": True}),
        ("/generate", {"length": 3, "prompt": "x" + "É!" * 950, "unknown": "skip"}),
        ("/v1/completions", {**ALL, "length": None, "model": "letters", "max_tokens": 9, "prompt": ["xa", [3, 4, 5]]}),
    ],
)
def test_it_goes_on_after_every_event(client: FlaskClient, engine: Any, path: str, fields: dict[str, Any]) -> None:
    body = {name: value for name, value in {**ASK, **fields}.items() if value is not None}
    events = stream(client, path, body)
    assert len({event.id for event in events} - {""}) == len(events) > 1
    engine.gate = lambda: None
    for at, event in enumerate(events, 1):
        assert told([*events[:at], *stream(client, path, body, event.id)]) == told(events), event.id
    assert stream(client, path, body, events[-1].id) == []


def test_the_seed_that_the_first_event_has_is_enough(client: FlaskClient) -> None:
    body = {"prompt": "xa", "length": 3, "stream": True}  # one step, so that it is one piece on a busy machine, too
    first, end = stream(client, "/generate", body)
    seed = json.loads(first.data)["seed"]
    (again,) = stream(client, "/generate", {**body, "seed": seed, "model": "letters@1"}, first.id)
    assert again.id == end.id and json.loads(again.data)["usage"] == json.loads(end.data)["usage"]
    kept = stream(client, "/generate", body, "")
    assert [event.id for event in kept] == [first.id, end.id]


def refused(client: FlaskClient, event_id: str, path: str = "/generate", **fields: Any) -> str:
    reply = client.post(path, json={**ASK, **fields}, headers={"Last-Event-ID": event_id})
    assert reply.status_code == 422, reply.text
    error = reply.json["error"]  # type: ignore[index]
    assert (error["code"], error["param"]) == ("invalid_value", "Last-Event-ID")
    return str(error["message"])


@pytest.mark.parametrize(
    "event_id", ["0", "-1", "9" * 400, "x", "1.5", "\u00b2", "\u00ff\u00fe", "end", "00000000-end"]
)
def test_an_id_that_no_event_has(shared_client: FlaskClient, event_id: str) -> None:
    assert "the id of an event of this request's stream" in refused(shared_client, event_id)


@pytest.mark.parametrize(
    "other",
    [{"seed": 2}, {"length": 6}, {"prompt": "xb"}, {"temperature": 0.5}, {"n": 2}, {"stop": "q"}, {"echo": True}],
)
def test_the_id_of_an_event_of_another_request(shared_client: FlaskClient, other: dict[str, Any]) -> None:
    event_id = stream(shared_client, "/generate", {**ASK, "length": 5})[0].id
    assert "the id of an event of this request's stream" in refused(shared_client, event_id, **{"length": 5, **other})


def test_what_does_not_say_its_seed_or_is_no_stream(shared_client: FlaskClient) -> None:
    event_id = stream(shared_client, "/generate", ASK)[0].id
    assert "needs the seed" in refused(shared_client, event_id, seed=None)
    assert "stream must be true" in refused(shared_client, event_id, stream=False)
    assert "needs the seed" in refused(shared_client, event_id, "/v1/completions", seed=None, model="letters")
    assert "stream must be true" in refused(shared_client, event_id, "/v1/completions", stream=False, model="letters")


@pytest.mark.usefixtures("slow")
def test_a_stream_that_a_stopping_server_cuts_says_so_and_goes_on_elsewhere(
    client: FlaskClient, new_client: Callable[..., FlaskClient], engine: Any, scheduler: Scheduler
) -> None:
    body, calls = {**ASK, "length": 30}, iter(range(3))

    def end_at_last() -> None:
        time.sleep(0.03)
        if next(calls, None) is None:
            scheduler.give_up()

    engine.gate = end_at_last
    *events, last = stream(client, "/generate", body)
    error = json.loads(last.data)["error"]
    assert (error["code"], last.id) == ("server_ending", events[-1].id)
    engine.gate = lambda: None
    later = Scheduler(max_active=4, max_waiting=4)
    later.start()
    other = new_client(started=later)
    assert told([*events, *stream(other, "/generate", body, last.id)]) == told(stream(other, "/generate", body))
    later.close()
