"""What a running service generates fits and is whole: by every route, in streams, continued, from the cache."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Iterator
from typing import Any, Final

import openai
import pytest

from charrnn.tasks.arrangement import Arrangement
from charrnn.vocabulary import Vocabulary
from model_store.promotion import publish_and_promote
from model_store.store import ModelStore
from tests.networks import random_network
from tests.system.running import Service
from tests.waiting import until

pytestmark = pytest.mark.system

MODEL: Final = "shakespeare"
NAME: Final = "[A-Z][a-z]{1,9}( [A-Z][a-z]+)?"
LINE: Final = r"(?i:enter|exit) [a-z' ]+(\.|\n\n\w+:)"
SCHEMA: Final = {
    "type": "object",
    "properties": {"name": {"type": "string", "pattern": "^[A-Z][a-z]+$"}, "old": {"type": "boolean"}},
    "required": ["name", "old"],
    "additionalProperties": False,
}


@pytest.fixture(scope="module")
def client(asked: Service) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"http://127.0.0.1:{asked.port}/v1", api_key="none", max_retries=0) as client:
        yield client


@pytest.mark.parametrize("pattern", [NAME, LINE])
def test_every_text_of_every_length_fits(asked: Service, pattern: str) -> None:
    shortest = {NAME: len("Ab"), LINE: len("exit a.")}[pattern]
    for length in range(shortest, shortest + 12):
        for temperature in (0, 1, 3):
            fields = {"regex": pattern, "length": length, "temperature": temperature, "n": 4, "prompt": "ROMEO:\n"}
            for choice in asked.request("/generate", fields)["choices"]:
                assert re.fullmatch(pattern, choice["text"]) and len(choice["text"]) <= length


def test_a_text_is_the_same_in_a_stream_and_from_the_cache(asked: Service, client: openai.OpenAI) -> None:
    extra = {"guided_regex": LINE}
    ask: dict[str, Any] = {"model": MODEL, "prompt": "ROMEO:\n", "max_tokens": 60, "n": 3, "seed": 11}
    whole = [choice.text for choice in client.completions.create(**ask, extra_body=extra).choices]
    assert all(re.fullmatch(LINE, text) for text in whole)
    for cache in (True, False):
        texts = [""] * 3
        for chunk in client.completions.create(**ask, stream=True, extra_body={**extra, "cache": cache}):
            for choice in chunk.choices:
                texts[choice.index] += choice.text
        assert texts == whole
    fields = {"prompt": "ROMEO:\n", "length": 60, "n": 3, "seed": 11, "regex": LINE}
    assert [choice["text"] for choice in asked.request("/generate", fields)["choices"]] == whole


def test_other_servers_names(asked: Service, client: openai.OpenAI) -> None:
    network = random_network(Vocabulary.of([' ",:{}', "TomAnn", "name", "true", "old", "false"]), "gru", 32)
    publish_and_promote(ModelStore(asked.data_dir / "models"), "json", network)
    until(lambda: asked.answers("/generate", {"model": "json", "length": 1}))
    schema = {"type": "json_schema", "json_schema": {"name": "row", "schema": SCHEMA}}
    for extra in ({"response_format": schema}, {"guided_json": SCHEMA}, {"structured_outputs": {"json": SCHEMA}}):
        made = client.completions.create(model="json", prompt="", max_tokens=60, n=4, extra_body=extra)
        for choice in made.choices:
            row = json.loads(choice.text)
            assert re.fullmatch("[A-Z][a-z]+", row["name"]) and row["old"] in (True, False)
    made = client.completions.create(
        model=MODEL, prompt="", max_tokens=9, n=9, extra_body={"guided_choice": ["Ay", "No"]}
    )
    assert {choice.text for choice in made.choices} <= {"Ay", "No"}
    with pytest.raises(openai.UnprocessableEntityError) as refused:
        client.completions.create(model=MODEL, prompt="", max_tokens=3, extra_body={"guided_regex": "[0-9]{3}-[0-9]"})
    body: Any = refused.value.body
    assert (body["code"], body["shortest"]) == ("length_too_short", 5) and re.fullmatch(
        "[0-9]{3}-[0-9]", body["example"]
    )


def test_a_chain_of_continuations_fits(asked: Service) -> None:
    pattern = "([A-Z][a-z]*[,;] )+"
    fields: dict[str, Any] = {"regex": pattern, "length": 6, "seed": 5, "continuation": True, "temperature": 2}
    text = ""
    for length in (6, 1, 9, 30, 4):
        (choice,) = asked.request("/generate", {**fields, "length": length})["choices"]
        text += choice["text"]
        assert re.fullmatch(pattern, text)
        fields = {"continue": choice["continuation"], "continuation": True, "seed": length}


def test_records_fit_and_stand_alone(asked: Service) -> None:
    network = random_network(Vocabulary("abcdefghij"), "gru", 32, arrangement=Arrangement("generate", "line", "\n"))
    publish_and_promote(ModelStore(asked.data_dir / "models"), "rows", network)
    until(lambda: asked.answers("/generate", {"model": "rows", "length": 1}))
    body = {"model": "rows", "count": 3000, "regex": "[a-c]+(j[d-f]{2,4}){0,3}", "length": 12, "seed": 3}
    request = urllib.request.Request(
        f"http://127.0.0.1:{asked.port}/records", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request) as reply:
        *records, end = map(json.loads, reply)
    assert (end["count"], len(records)) == (3000, 3000)
    assert all(re.fullmatch(str(body["regex"]), record["text"]) and "finish_reason" not in record for record in records)
    alone = {"model": "rows", "regex": body["regex"], "length": 12}
    for record in records[::500]:
        assert asked.request("/generate", {**alone, "seed": record["seed"]})["text"] == record["text"]
