"""OpenAI's own client with only another base URL."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import openai
import pytest

from tests.system.running import Service

pytestmark = pytest.mark.system

MODEL = "shakespeare"


@pytest.fixture(scope="module")
def client(asked: Service) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"http://127.0.0.1:{asked.port}/v1", api_key="none", max_retries=0) as client:
        yield client


def test_a_completion(client: openai.OpenAI) -> None:
    made = client.completions.create(model=MODEL, prompt="ROMEO:", max_tokens=30, seed=7, temperature=0.8)
    (choice,) = made.choices
    assert len(choice.text) == 30
    assert (choice.finish_reason, choice.logprobs) == ("length", None)
    assert made.usage is not None
    assert (made.usage.prompt_tokens, made.usage.completion_tokens, made.usage.total_tokens) == (6, 30, 36)
    again = client.completions.create(model=f"{MODEL}@1", prompt="ROMEO:", max_tokens=30, seed=7, temperature=0.8)
    assert again.choices[0].text == choice.text


def test_a_stream_is_the_same_text(client: openai.OpenAI) -> None:
    ask: dict[str, Any] = {"model": MODEL, "prompt": "ROMEO:", "max_tokens": 300, "seed": 1, "n": 2}
    whole = client.completions.create(**ask)
    texts = ["", ""]
    counted = []
    chunks = client.completions.create(
        **ask, stream=True, stream_options={"include_usage": True}, extra_body={"cache": False}
    )
    for chunk in chunks:
        counted.append(chunk.usage)
        for choice in chunk.choices:
            texts[choice.index] += choice.text
    assert texts == [choice.text for choice in whole.choices]
    assert counted[-1] == whole.usage


def test_stop(client: openai.OpenAI) -> None:
    made = client.completions.create(model=MODEL, prompt="ROMEO:\n", max_tokens=500, seed=3, stop=["\n\n", "zzz"])
    assert made.choices[0].finish_reason == "stop"
    assert "\n\n" not in made.choices[0].text


def ids_of(client: openai.OpenAI, text: str) -> list[int]:
    made = client.completions.create(model=MODEL, prompt=text, max_tokens=1, extra_body={"return_token_ids": True})
    return list(made.choices[0].model_dump()["prompt_token_ids"])


@pytest.mark.parametrize("stream", [False, True])
def test_what_may_be_chosen(client: openai.OpenAI, stream: bool) -> None:
    def texts(extra_body: dict[str, Any] | None = None, **more: Any) -> list[str]:
        ask: dict[str, Any] = {"model": MODEL, "prompt": "ROMEO:", "max_tokens": 80, "seed": 5, "n": 2, **more}
        if not stream:
            return [choice.text for choice in client.completions.create(**ask, extra_body=extra_body).choices]
        found = ["", ""]
        for chunk in client.completions.create(**ask, stream=True, extra_body={"cache": False, **(extra_body or {})}):
            for choice in chunk.choices:
                found[choice.index] += choice.text
        return found

    (e,) = ids_of(client, "e")
    vowels = ids_of(client, "aou\n")
    plain = texts()
    assert all("e" in text for text in plain)
    assert not any("e" in text for text in texts(logit_bias={str(e): -100}))
    assert texts(logit_bias={str(e): 100}) == ["e" * 80] * 2
    for temperature in (0, 1, 10):
        allowed = texts(temperature=temperature, extra_body={"allowed_token_ids": vowels})
        assert all(set(text) <= set("aou\n") for text in allowed)
    assert texts(logit_bias={}, presence_penalty=0, frequency_penalty=0) == plain
    for text, other in zip(texts(presence_penalty=2, frequency_penalty=2), plain, strict=True):
        assert len(set(text)) > len(set(other))
        assert max(map(text.count, text)) < max(map(other.count, other))


def test_logprobs_and_echo(client: openai.OpenAI) -> None:
    made = client.completions.create(model=MODEL, prompt="ROMEO:", max_tokens=5, logprobs=2, echo=True, seed=3)
    choice = made.choices[0]
    assert choice.text.startswith("ROMEO:")
    found = choice.logprobs
    assert found is not None
    assert found.tokens is not None
    assert found.top_logprobs is not None
    assert found.token_logprobs is not None
    assert "".join(found.tokens) == choice.text
    assert found.text_offset == list(range(11))
    first: Any = found.token_logprobs[0]
    assert first is None
    assert all(2 <= len(top) <= 3 for top in found.top_logprobs[1:])


def test_ids_and_several_prompts(client: openai.OpenAI, asked: Service) -> None:
    ids = asked.request("/tokenize", {"text": "ROMEO:"})["ids"]
    texts = [
        [each.text for each in client.completions.create(model=MODEL, prompt=prompt, temperature=0).choices]
        for prompt in ("ROMEO:", ids, ["ROMEO:"], [ids, ids])
    ]
    assert texts[0] == texts[1] == texts[2] == texts[3][:1] == texts[3][1:]


def test_parameters_of_vllm(client: openai.OpenAI) -> None:
    extra = {"top_k": 1, "min_p": 0.1, "repetition_penalty": 1.1}
    made = client.completions.create(model=MODEL, prompt="ROMEO:", max_tokens=5, extra_body=extra)
    assert len(made.choices[0].text) == 5


def test_models(client: openai.OpenAI) -> None:
    assert MODEL in [model.id for model in client.models.list()]
    assert client.models.retrieve(MODEL).owned_by == "charrnn"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("nobody")


@pytest.mark.parametrize(
    ("ask", "error", "code", "param"),
    [
        ({"model": "nobody"}, openai.NotFoundError, "model_not_found", "model"),
        ({"max_tokens": 10**9}, openai.UnprocessableEntityError, "invalid_value", "max_tokens"),
        ({"prompt": "\u00e9"}, openai.UnprocessableEntityError, "unknown_character", "prompt"),
        ({"presence_penalty": 3}, openai.UnprocessableEntityError, "invalid_value", "presence_penalty"),
        ({"logit_bias": {"9999": 1}}, openai.UnprocessableEntityError, "unknown_id", "logit_bias"),
        (
            {"extra_body": {"use_beam_search": True}},
            openai.UnprocessableEntityError,
            "invalid_value",
            "use_beam_search",
        ),
        ({"extra_body": {"messages": []}}, openai.UnprocessableEntityError, "unknown_field", "messages"),
        ({"n": 13}, openai.UnprocessableEntityError, "invalid_value", "n"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_errors_are_its_own_exceptions(
    client: openai.OpenAI, ask: dict[str, Any], error: type[openai.APIStatusError], code: str, param: str, stream: bool
) -> None:
    with pytest.raises(error) as caught:
        client.completions.create(**{"model": MODEL, "prompt": "a", "stream": stream, **ask})
    assert (caught.value.code, caught.value.param) == (code, param)
