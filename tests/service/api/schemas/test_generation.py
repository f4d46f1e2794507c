"""What a body says of the choice arrives at the engine, and identical requests are seen to be."""

from __future__ import annotations

from typing import Any

import pytest

from charrnn.sampling import SamplingParams
from service.api.schemas.completions import CompletionBody
from service.api.schemas.generate import GenerateBody
from service.generation.requests import GenerationRequest
from service.settings import Settings


def asked(body: type[GenerateBody | CompletionBody], settings: Settings, **fields: Any) -> GenerationRequest:
    made = body.model_validate(fields, context={"settings": settings})
    return made.continuing("a", 5, "letters", cache_scope="", read_cache=True)


@pytest.mark.parametrize("body", [GenerateBody, CompletionBody])
def test_how_ids_are_chosen(body: Any, settings: Settings) -> None:
    fields: dict[str, Any] = {
        "temperature": 0.5,
        "presence_penalty": -2,
        "frequency_penalty": 1.5,
        "logit_bias": {"12": -100, "3": 0.5, "4": 0},
        "allowed_token_ids": [5, 3, 3],
        "logprobs": 2,
    }
    assert asked(body, settings, **fields).sampling == SamplingParams(
        temperature=0.5,
        presence_penalty=-2,
        frequency_penalty=1.5,
        logit_bias=((3, 0.5), (12, -100)),
        allowed_token_ids=(3, 5),
        logprobs=2,
    )


@pytest.mark.parametrize(
    ("fields", "same"),
    [
        ({"logit_bias": {"3": 1, "5": 2}}, {"logit_bias": {"5": 2, "3": 1}}),
        ({"logit_bias": {"3": 0}}, {}),
        ({"allowed_token_ids": [2, 1]}, {"allowed_token_ids": [1, 2, 2]}),
        ({"stop": ""}, {"stop": []}),
        ({"stop": "x"}, {"stop": ["x"]}),
        ({"logprobs": False}, {"logprobs": None}),
        ({"top_k": -1}, {"top_k": 0}),
    ],
)
def test_what_means_the_same_is_the_same_request(
    fields: dict[str, Any], same: dict[str, Any], settings: Settings
) -> None:
    assert asked(GenerateBody, settings, **fields) == asked(CompletionBody, settings, **same)
