"""Every text fits what was asked for and is whole, however it comes: at once, in a stream, continued, as a record, from
the cache."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import jsonschema
import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, example, given
from hypothesis import strategies as st

from charrnn.checkpoint import Checkpoint
from charrnn.engine.base import Batch, Engine, Output
from charrnn.engine.gpu.reference import ReferenceEngine
from charrnn.patterns.compiling import compile_pattern
from charrnn.vocabulary import Vocabulary
from model_store.promotion import publish_and_promote
from model_store.store import ModelStore
from service.bootstrap.web import build_web
from service.generation.scheduling.scheduler import Scheduler
from tests.laws import examples
from tests.networks import random_network
from tests.replies import SentEvent, sent_events, shape
from tests.service.api.conftest import MemoryQueue, settings_in
from tests.service.conftest import MemoryRedis
from tests.service.generation.record_models import arranged

NAME: Final = "[ab]c{1,3}(\n| [a-c]+)?"
"""From 2 characters on."""
LETTERS: Final = Vocabulary("\n abc")
MODELS: Final = {
    "text": random_network(LETTERS, "lstm", 12, 2),
    "json": random_network(Vocabulary(' ",-0123456789:[]abdefgijlnrstu{}'), "gru", 12),
    "records": random_network(LETTERS, "gru", 9, arrangement=arranged("generate", ("x", "y"))),
}


class Slow:
    """An engine whose steps are single ones that wait for the gate, so that a stream has a piece for each."""

    def __init__(self, engine: Engine, gate: Callable[[], None]) -> None:
        self.precision, self.series, self.tree, self._engine = engine.precision, engine.series, engine.tree, engine
        self.gate = gate

    def batch(self, capacity: int) -> Batch:
        return SlowBatch(self, self._engine.batch(capacity))


class SlowBatch:
    def __init__(self, engine: Slow, batch: Batch) -> None:
        self._engine, self._batch = engine, batch
        self.add, self.remove, self.state = batch.add, batch.remove, batch.state

    def __len__(self) -> int:
        return len(self._batch)

    def step(self, steps: int) -> Sequence[Output]:
        self._engine.gate()
        return self._batch.step(1)


class Served:
    """An application with both models, and how to make others on the same folder."""

    def __init__(self, folder: Path) -> None:
        self.settings = settings_in(folder)
        for name, network in MODELS.items():
            publish_and_promote(ModelStore(self.settings.data.models), name, network)
        self.schedulers: list[Scheduler] = []
        self.client = self.new()

    def new(
        self, build: Callable[[Checkpoint], Engine] = ReferenceEngine, redis: MemoryRedis | None = None
    ) -> FlaskClient:
        self.schedulers.append(Scheduler(max_active=8, max_waiting=8))
        self.schedulers[-1].start()
        process = build_web(
            self.settings,
            engines=build,
            redis=redis or MemoryRedis(),
            queue=MemoryQueue(),
            scheduler=self.schedulers[-1],
            compile=compile_pattern,
        )
        return process.application.test_client()

    def generate(self, status: int = 200, **fields: Any) -> Any:
        reply = self.client.post("/generate", json={"model": "text", "seed": 1, **fields})
        assert reply.status_code == status, reply.text
        if status == 200:
            shape("GenerateReply").validate_python(reply.json)
        return reply.json

    def choices(self, **fields: Any) -> list[Any]:
        found: list[Any] = self.generate(**fields)["choices"]
        return found

    def error(self, **fields: Any) -> Any:
        errors = [self.generate(422, **fields, stream=stream)["error"] for stream in (False, True)]
        assert errors[0] == errors[1]
        return errors[0]

    def events(self, path: str = "/generate", after: str | None = None, **fields: Any) -> list[SentEvent]:
        headers = {} if after is None else {"Last-Event-ID": after}
        body = {"model": "text", "seed": 1, "stream": True, **fields}
        reply = self.client.post(path, json=body, headers=headers)
        assert reply.status_code == 200, reply.text
        *events, done = sent_events(reply.text)
        assert done.data == "[DONE]"
        return events

    def records(self, **fields: Any) -> tuple[list[Any], Any]:
        reply = self.client.post("/records", json={"model": "records", "seed": 1, **fields})
        assert reply.status_code == 200, reply.text
        *lines, end = map(json.loads, reply.text.splitlines())
        shape("RecordsEnd").validate_python(end)
        return lines, end


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Any:
    made = Served(tmp_path_factory.mktemp("patterns"))
    yield made
    for scheduler in made.schedulers:
        scheduler.close()


def pieces(events: Sequence[SentEvent], index: int = 0) -> list[Any]:
    """What events of either route say of a choice."""
    data = [json.loads(event.data) for event in events]
    return [piece for each in data for piece in each.get("choices", [each]) if piece.get("index") == index]


def text_of(events: Sequence[SentEvent], index: int = 0) -> str:
    return "".join(piece["text"] for piece in pieces(events, index))


asked = st.fixed_dictionaries(
    {
        "model": st.sampled_from(["text", "records"]),
        "length": st.integers(2, 30),
        "seed": st.integers(0, 1 << 40),
        "temperature": st.sampled_from([0, 0.3, 1, 3]),
        "prompt": st.sampled_from(["", "cab"]),
        "n": st.integers(1, 3),
        "logprobs": st.sampled_from([None, 0, 2]),
        "cache": st.booleans(),
    },
    optional={
        "top_k": st.just(1),
        "repetition_penalty": st.just(2),
        "logit_bias": st.just({"2": -100, "0": 50}),
        "return_token_ids": st.just(True),
    },
)
"""What may be asked for beside a pattern."""


@examples(30, HealthCheck.function_scoped_fixture)
@given(asked)
@example({"length": 2, "prompt": "", "n": 3, "temperature": 3})
def test_each_text_fits_whole_and_streamed_by_every_route(served: Served, fields: dict[str, Any]) -> None:
    choices = served.choices(**fields, regex=NAME)
    events = served.events(**fields, regex=NAME)
    completion = {
        **fields,
        "max_tokens": fields["length"],
        "model": fields.get("model", "text"),
        "seed": fields.get("seed", 1),
    }
    del completion["length"]
    other = served.client.post("/v1/completions", json={**completion, "guided_regex": NAME}).json
    assert other is not None
    for index, choice in enumerate(choices):
        assert re.fullmatch(NAME, choice["text"])
        assert text_of(events, index) == other["choices"][index]["text"] == choice["text"]
        assert choice["finish_reason"] in ("stop", "length", "end")
        tokens = len(choice["text"]) + (choice["finish_reason"] == "end")
        assert (choice["finish_reason"] == "length") == (
            tokens == fields["length"] and choice["finish_reason"] != "end"
        )
        assert len(choice.get("logprobs", [])) in (0, tokens)
        if "return_token_ids" in fields:
            assert len(choice["token_ids"]) == tokens


def test_it_ends_where_the_model_would_leave(served: Served) -> None:
    """Names of all lengths, and what is seldom likely does not become certain."""
    found = {choice["text"] for seed in range(0, 400, 16) for choice in served.choices(regex="[ab]+", seed=seed, n=16)}
    assert {1, 2, 3} <= {len(text) for text in found}
    greedy = served.choices(regex="[abc \n]*c", temperature=0, length=40)[0]
    assert greedy["text"].endswith("c")


def test_json_is_valid_by_its_schema(served: Served) -> None:
    schema = {
        "type": "object",
        "properties": {
            "id": {"type": "integer", "minimum": -3},
            "tags": {"type": "array", "items": {"enum": ["a", "b"]}},
        },
        "required": ["id"],
        "additionalProperties": False,
    }
    fields: dict[str, Any] = {"model": "json", "n": 4, "length": 30}
    named = {"type": "json_schema", "json_schema": {"schema": schema}}
    for seed in range(0, 80, 4):
        choices = served.choices(**fields, seed=seed, json_schema=schema)
        for choice in choices:
            jsonschema.validate(json.loads(choice["text"]), schema)
        for same in ({"json_schema": json.dumps(schema)}, {"response_format": named}, {"guided_json": schema}):
            assert served.choices(**fields, seed=seed, **same) == choices
    error = served.error(model="json", json_schema={"type": "object", "properties": {"a": {"$ref": "#"}}})
    assert (error["code"], error["param"]) == ("unsupported_pattern", "json_schema") and "$ref" in error["message"]
    error = served.error(model="json", guided_json="{")
    assert (error["code"], error["param"]) == ("invalid_pattern", "guided_json")


def test_texts_are_among_the_choices(served: Served) -> None:
    words = ["a", "ab", "abc", "cab", ""]
    found = {each["text"] for seed in range(0, 96, 16) for each in served.choices(choice=words, seed=seed, n=16)}
    assert {"a", "ab"} < found <= set(words)
    assert [each["text"] for each in served.choices(choice=["cab"], n=5)] == ["cab"] * 5


def test_a_record_fits_and_is_what_its_seed_gives_alone(served: Served) -> None:
    fields: dict[str, Any] = {"length": 4, "regex": NAME, "label": "x", "temperature": 1.5}
    lines, end = served.records(count=40, **fields)
    assert (end["count"], end["tried"], end["exhausted"]) == (40, 40, False)
    for line in lines:
        assert re.fullmatch(NAME, line["text"]) and "finish_reason" not in line
        assert served.choices(model="records", **fields | {"seed": line["seed"]})[0]["text"] == line["text"]
    plain = served.client.post(
        "/records",
        json={"model": "records", "seed": 1, "count": 9, "choice": ["a", "b"]},
        headers={"Accept": "text/plain"},
    ).text
    assert re.fullmatch("([ab]\n){9}", plain)


def test_records_end_when_a_pattern_has_no_more(served: Served) -> None:
    lines, end = served.records(count=1000, choice=["a", "ab", "c"], unique=True)
    assert sorted(line["text"] for line in lines) == ["a", "ab", "c"]
    assert (end["count"], end["exhausted"]) == (3, True)


@examples(20, HealthCheck.function_scoped_fixture)
@given(st.integers(0, 1 << 30), st.lists(st.integers(1, 9), min_size=1, max_size=3), st.sampled_from(["", "streams"]))
def test_a_text_that_goes_on_still_fits(served: Served, seed: int, lengths: list[int], streams: str) -> None:
    pattern = "(a[bc]*\n)+"
    text = ""
    fields: dict[str, Any] = {"regex": pattern, "seed": seed, "continuation": True, "temperature": 2}
    for length in [3, *lengths]:
        if streams:
            events = served.events(**{**fields, "length": length})
            text += text_of(events)
            token = pieces(events)[-1]["continuation"]
        else:
            (choice,) = served.choices(**{**fields, "length": length})
            text, token = text + choice["text"], choice["continuation"]
        assert re.fullmatch(pattern, text)
        fields = {"continue": token, "continuation": True, "model": "text", "seed": seed + length}


def test_a_text_that_its_pattern_ended_ends_again_where_it_goes_on(served: Served) -> None:
    """The draw that ended it is made again."""
    for seed in range(40):
        (first,) = served.choices(regex="[ab]+", length=50, seed=seed, continuation=True)
        if first["finish_reason"] == "stop":
            (second,) = served.choices(**{"continue": first["continuation"], "seed": None}, length=9)
            assert (second["text"], second["finish_reason"]) == ("", "stop")
            return
    pytest.fail("no text was ended")


def test_a_new_pattern_begins_at_its_start_and_null_drops_the_old_one(served: Served) -> None:
    (first,) = served.choices(regex="(ab)+", length=2, continuation=True)
    go_on = {"continue": first["continuation"]}
    assert first["text"] == "ab"
    assert re.fullmatch("(ab)*", served.choices(**go_on, length=7)[0]["text"])
    assert re.fullmatch("c[abc]", served.choices(**go_on, regex="c[abc]")[0]["text"])
    assert served.choices(**go_on, choice=["cc"])[0]["text"] == "cc"
    free = served.choices(**go_on, regex=None, length=30)[0]
    assert free["text"] == served.choices(**go_on, choice=None, length=30)[0]["text"]
    assert (len(free["text"]), free["finish_reason"]) == (30, "length")


def test_the_prompt_of_a_dialogue_does_not_count(served: Served) -> None:
    (first,) = served.choices(regex="a(b a)*", length=4, continuation=True)
    (second,) = served.choices(**{"continue": first["continuation"]}, prompt="ccc", length=6)
    assert re.fullmatch("a(b a)*", first["text"] + second["text"])


def test_what_would_change_the_language_on_the_way_is_refused(served: Served) -> None:
    token = served.choices(regex="(a[bc]*\n)+", length=9, continuation=True, stop="bb")[0]["continuation"]
    assert "bb" not in served.choices(**{"continue": token}, length=99)[0]["text"]
    error = served.error(**{"continue": token}, allowed_token_ids=[0, 2, 3])
    assert (error["code"], error["param"]) == ("invalid_continuation", "continue")


def test_a_prompt_does_not_count_however_long_it_is(served: Served) -> None:
    fields: dict[str, Any] = {"prompt": "abc \n" * 300, "regex": NAME, "length": 9, "n": 2, "echo": True}
    for choice in served.choices(**fields):
        assert choice["text"].startswith(fields["prompt"])
        assert re.fullmatch(NAME, choice["text"].removeprefix(fields["prompt"]))
    assert served.choices(**fields, cache=False) == served.choices(**fields)
    labelled = served.choices(model="records", label="y", prompt="ab", regex="c*[ab]", logprobs=1, length=5)[0]
    assert re.fullmatch("c*[ab]", labelled["text"])
    assert [each["token"] for each in labelled["logprobs"] if each["token"]] == [*labelled["text"]]


def test_the_cache_has_it_by_pattern_and_length(served: Served) -> None:
    fields: dict[str, Any] = {"regex": "([ab]c)+", "temperature": 2, "n": 2}
    first = served.generate(**fields, length=8)
    again = served.generate(**fields, length=8)
    assert (again["cached"], again["choices"]) == (True, first["choices"])
    shorter = served.generate(**fields, length=4)
    assert (shorter["cached"], "cached_tokens" in shorter["usage"]) == (False, False)
    for length, made in ((8, first), (4, shorter)):
        assert served.generate(**fields, length=length, cache=False)["choices"] == made["choices"]
        with_tokens = served.choices(**fields, length=length, continuation=True)
        assert [each["text"] for each in with_tokens] == [each["text"] for each in made["choices"]]
        token = with_tokens[0]["continuation"]
        cached = served.choices(**fields, length=length, continuation=True)
        for each in (token, cached[0]["continuation"]):
            rest = served.choices(**{"continue": each}, length=6)[0]["text"]
            assert re.fullmatch("([ab]c)+", with_tokens[0]["text"] + rest)
    other = served.generate(**{**fields, "regex": "([ab]c)+|b"}, length=8)
    assert not other["cached"]


def test_what_the_cache_has_and_does_not_fit_is_not_believed(served: Served) -> None:
    redis = MemoryRedis()
    client = served.client
    served.client = served.new(redis=redis)
    for continuation in (False, True):
        fields: dict[str, Any] = {"length": 4, "continuation": continuation, "temperature": 2}
        made = {regex: served.choices(regex=regex, **fields) for regex in ("a[bc]+", "c[ab]+")}
        one, other = redis.values
        redis.values[one], redis.values[other] = redis.values[other], redis.values[one]
        for regex, choices in made.items():
            again = served.choices(regex=regex, **fields)
            assert [choice["text"] for choice in again] == [choice["text"] for choice in choices]
    served.client = client


def test_a_stream_goes_on_after_every_event(served: Served) -> None:
    slow = served.new(lambda checkpoint: Slow(ReferenceEngine(checkpoint), lambda: time.sleep(0.03)))
    fields: dict[str, Any] = {"regex": "é?[abc]{9}", "length": 12, "n": 2, "model": "text@1"}
    served.client, client = slow, served.client
    events = served.events(**fields)
    served.client = client
    assert json.loads(events[0].data)["pattern_skipped"] == ["é"]
    assert [at for at, event in enumerate(events) if "pattern_skipped" in event.data] == [0]
    assert len({event.id for event in events}) == len(events) > 3
    for at, event in enumerate(events, 1):
        rest = served.events(**fields, after=event.id)
        assert "pattern_skipped" not in str(rest)
        for index in range(2):
            assert text_of(events[:at], index) + text_of(rest, index) == text_of(events, index)


def test_a_stream_that_a_stopping_server_cuts_off_becomes_whole_elsewhere(served: Served) -> None:
    steps = iter(range(1 << 30))

    def step() -> None:
        time.sleep(0.03)
        if next(steps) == 9:
            served.schedulers[-1].give_up()

    fields: dict[str, Any] = {"regex": "a([bc]|b\n){20,38}c", "length": 60, "seed": 3}
    slow = served.new(lambda checkpoint: Slow(ReferenceEngine(checkpoint), step))
    served.client, client = slow, served.client
    *events, cut = served.events(**fields, cache=False)
    served.client = client
    error, text = json.loads(cut.data), text_of(events)
    assert error["error"]["code"] == "server_ending" and 1 < len(text) < 20
    rest = served.choices(**{"continue": error["continuation"], "seed": None}, length=60 - len(text))[0]["text"]
    assert text + rest == served.choices(**fields)[0]["text"]
    short = served.choices(**{"continue": error["continuation"]}, length=22)[0]["text"]
    assert re.fullmatch(fields["regex"], text + short)
    refused = served.error(**{"continue": error["continuation"]}, length=2)
    assert refused["code"] == "length_too_short" and re.fullmatch(fields["regex"], text + refused["example"])


def test_what_a_pattern_does_without_is_listed(served: Served) -> None:
    regex = "[aé]b?ü*"
    assert served.generate(regex=regex)["pattern_skipped"] == ["é", "ü"]
    assert "pattern_skipped" not in served.generate(regex="ab")
    short = served.error(regex="a(b{9}|é)ü*", length=1)
    assert (short["shortest"], short["pattern_skipped"]) == (10, ["é", "ü"])
    assert "pattern_skipped" not in served.error(regex="ab", length=1)
    assert served.records(count=2, regex=regex)[1]["pattern_skipped"] == ["é", "ü"]
    body: dict[str, Any] = {"model": "text", "regex": regex, "prompt": ["a", "b"]}
    reply: Any = served.client.post("/v1/completions", json=body).json
    shape("CompletionReply").validate_python(reply)
    assert reply["pattern_skipped"] == ["é", "ü"]
    first, *others = served.events("/v1/completions", **body)
    shape("CompletionChunk").validate_python(json.loads(first.data))
    assert json.loads(first.data)["pattern_skipped"] == ["é", "ü"] and "pattern_skipped" not in str(others)


def test_a_length_that_is_too_short_is_reported_with_an_example(served: Served) -> None:
    error = served.error(regex=NAME, length=1)
    assert (error["code"], error["param"], error["shortest"]) == ("length_too_short", "length", 2)
    assert re.fullmatch(NAME, error["example"])
    assert error["message"].startswith("length must be at least 2, the tokens of the shortest text that fits, not 1")
    for body in ({"guided_regex": NAME, "max_tokens": 1}, {"regex": NAME, "max_tokens": 0, "echo": True}):
        reply: Any = served.client.post("/v1/completions", json={"model": "text", **body}).json
        assert (reply["error"]["code"], reply["error"]["param"]) == ("length_too_short", "max_tokens")
    reply = served.client.post("/records", json={"model": "records", "count": 1, "regex": NAME, "length": 1}).json
    assert (reply["error"]["shortest"], reply["error"]["param"]) == (2, "length")


@pytest.mark.parametrize(
    ("fields", "code", "param", "part"),
    [
        ({"regex": "a(b"}, "invalid_pattern", "regex", "position 1"),
        ({"guided_regex": "(?=a)b"}, "unsupported_pattern", "guided_regex", "look-ahead at position 0"),
        ({"structured_outputs": {"regex": r"(a)\1"}}, "unsupported_pattern", "structured_outputs", "back-reference"),
        ({"regex": "é"}, "unknown_character", "regex", "'é'"),
        ({"regex": r"[^\s\S]"}, "empty_pattern", "regex", "no text can fit"),
        ({"choice": []}, "empty_pattern", "choice", "at least one"),
        ({"regex": "a" * 1_000_000}, "pattern_too_large", "regex", "may have 10,000 characters, not 1,000,000"),
        ({"choice": ["a"] * 100_000}, "pattern_too_large", "choice", "may have 10,000 choices, not 100,000"),
        ({"regex": "a", "stop": "a"}, "empty_pattern", "stop", "stop"),
        ({"regex": "a", "allowed_token_ids": [3]}, "empty_pattern", "allowed_token_ids", "allowed_token_ids"),
        (
            {"regex": "a", "stop": "b", "include_stop_str_in_output": True},
            *("invalid_value", "include_stop_str_in_output", "no text that fits has a stop string in it"),
        ),
        ({"regex": "a", "stop": "b", "min_tokens": 2}, "invalid_value", "min_tokens", "must be 0"),
    ],
)
def test_what_cannot_be_used_is_refused(
    served: Served, fields: dict[str, Any], code: str, param: str, part: str
) -> None:
    error = served.error(**fields)
    assert (error["code"], error["param"]) == (code, param) and part in error["message"]


def test_a_record_that_has_ended_takes_no_new_pattern(served: Served) -> None:
    for seed in range(50):
        (first,) = served.choices(model="records", seed=seed, length=500, continuation=True)
        if first["finish_reason"] == "end":
            break
    error = served.error(**{"continue": first["continuation"], "model": None}, regex="ab")
    assert (error["code"], error["param"]) == ("invalid_value", "continue")
    reply = served.choices(**{"continue": first["continuation"], "model": None}, regex="(ab)?")
    assert (reply[0]["text"], reply[0]["finish_reason"]) == ("", "end")
