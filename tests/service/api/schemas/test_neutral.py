"""Fields of other servers: taken when they ask for nothing, by both routes that generate, and refused by name else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask.testing import FlaskClient

from charrnn.parameters import parameters
from charrnn.sampling import SamplingParams
from service.api.schemas.completions import CompletionBody
from service.api.schemas.generate import GenerateBody
from service.api.schemas.generation import ContinuingBody
from service.api.schemas.neutral import NeutralBody, OneOf

FIELDS = {
    name: next(each for each in info.metadata if isinstance(each, OneOf))
    for name, info in NeutralBody.model_fields.items()
}
ROUTES: dict[str, dict[str, Any]] = {
    "/generate": {"prompt": "xa", "length": 5, "seed": 0},
    "/v1/completions": {"prompt": "xa", "max_tokens": 5, "seed": 0},
}
OF_A_TYPE: dict[str, tuple[Any, ...]] = {
    "boolean": (True, False),
    "number": (0, 0.5, -1),
    "integer": (0, -1, 7),
    "string": ("", "a"),
    "array": ([], ["\n"]),
}

ASKED_FOR_NOTHING = {
    "ignore_eos": True,
    "min_tokens": 5,
    "skip_special_tokens": False,
    "spaces_between_special_tokens": True,
    "add_special_tokens": False,
    "include_stop_str_in_output": True,
    "length_penalty": 1.0,
    "early_stopping": False,
    "use_beam_search": False,
    "logprobs": False,
    "stop": "",
    "stop_token_ids": [],
    "bad_words": [],
    "priority": 0,
    "store": False,
    "metadata": {},
    "response_format": {"type": "text"},
    "return_token_ids": False,
    "stream_options": {"include_usage": True, "continuous_usage_stats": True},
    "detokenize": True,
    "truncate_prompt_tokens": None,
    "prompt_logprobs": None,
    "guided_json": None,
    "echo": False,
    "typical_p": 1,
    "mirostat": 0,
    "cache_prompt": True,
    "id_slot": -1,
    "n_probs": 0,
    "min_keep": 0,
    "tfs_z": 1.0,
    "dry_multiplier": 0.0,
    "repeat_last_n": 64,
    "logit_bias": {},
    "presence_penalty": 0,
    "frequency_penalty": 0.0,
}  # fmt: skip


def test_no_field_with_a_meaning_here_is_neutral() -> None:
    """The neutral declaration would win, and the field would have no effect."""
    assert set(parameters(SamplingParams)) <= set(ContinuingBody.model_fields)
    assert not set(NeutralBody.model_fields) & set(ContinuingBody.model_fields)
    assert not set(NeutralBody.model_fields) & {*GenerateBody.__annotations__, *CompletionBody.__annotations__}


def test_the_field_that_does_it_is_one() -> None:
    ours = {kind.ours for kind in FIELDS.values() if kind.ours}
    assert ours
    assert all(name in body.model_fields for name in ours for body in (CompletionBody, GenerateBody))


@pytest.mark.parametrize("route", ROUTES)
def test_what_asks_for_nothing_changes_nothing(client: FlaskClient, route: str) -> None:
    plain: Any = client.post(route, json=ROUTES[route]).json
    reply = client.post(route, json={**ROUTES[route], **ASKED_FOR_NOTHING})
    assert reply.status_code == 200, reply.text
    assert reply.json["choices"] == plain["choices"]  # type: ignore[index]


@pytest.mark.parametrize("route", ROUTES)
def test_every_value_that_asks_for_nothing_is_taken_and_no_other(client: FlaskClient, route: str) -> None:
    for field, kind in FIELDS.items():
        for value in OF_A_TYPE[kind.type] if kind.type else kind.values:
            reply = client.post(route, json={**ROUTES[route], field: value})
            assert reply.status_code == 200, reply.text
        reply = client.post(route, json={**ROUTES[route], field: {"some": "thing"}})
        error = reply.json["error"]  # type: ignore[index]
        assert (reply.status_code, error["code"], error["param"]) == (422, "invalid_value", field)
        assert error["message"].startswith(f"{field} must be ")
        assert json.dumps({"some": "thing"}) in error["message"]
        assert kind.ours in error["message"]
