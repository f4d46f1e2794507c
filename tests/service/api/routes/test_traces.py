"""`/trace` and `trace` in `/generate`, with an engine that has real cells behind them."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from flask.testing import FlaskClient
from pydantic import TypeAdapter

from charrnn.checkpoint import Checkpoint
from charrnn.engine.cpu.batch import CpuEngine
from charrnn.engine.tracing import trace
from charrnn.vocabulary import Vocabulary
from service.api.http.large_json import json_response
from service.api.routes import traces
from service.api.schemas.replies.generation import GenerateReply
from service.api.schemas.replies.traces import TraceReply, choice_trace
from service.generation.units.selection import UnitId
from service.generation.units.text_trace import TextTrace
from tests.networks import random_network

LETTERS = "\n abcdefghijklmnopqrstuvwxyz<"
UNITS = 16


def network() -> Checkpoint:
    return random_network(Vocabulary.of([LETTERS]), "lstm", UNITS, layers=2, validation_loss=1.0)


@pytest.fixture(scope="module")
def engine() -> CpuEngine:
    return CpuEngine(network())


@pytest.fixture
def new_checkpoint() -> Callable[..., Checkpoint]:
    return network


def ask(client: FlaskClient, status: int = 200, path: str = "/trace", **fields: Any) -> Any:
    reply = client.post(path, json=fields)
    assert reply.status_code == status, reply.text
    return reply.json


def picture(client: FlaskClient, kind: str, **fields: Any) -> Any:
    return client.post("/trace", json=fields, headers={"Accept": kind})


def test_a_trace_is_what_the_engine_does(client: FlaskClient, engine: CpuEngine) -> None:
    text = "to be or not\nto be"
    body = ask(client, text=text, cells=[{"layer": 1, "unit": 3, "part": "cell"}, {"layer": 0}])
    TypeAdapter(TraceReply).validate_json(json.dumps(body), strict=True)
    expected = trace(engine, network().vocabulary.encode(text))
    assert (body["model"], body["version"], body["tokens"]) == ("letters", 1, list(text))
    assert body["surprisal"][0] is None
    np.testing.assert_allclose(body["surprisal"][1:], -expected.logprobs[1:] / math.log(2), atol=1e-6)
    assert [len(top) for top in body["top"]] == [5] * len(text)
    np.testing.assert_allclose(
        [[each["probability"] for each in top] for top in body["top"]], np.exp(expected.top), atol=1e-6
    )
    first, *layer = body["cells"]
    assert (first["layer"], first["unit"], first["part"]) == (1, 3, "cell")
    assert [(cell["layer"], cell["unit"], cell["part"]) for cell in layer] == [(0, i, "hidden") for i in range(UNITS)]
    np.testing.assert_allclose(first["values"], expected.states[:, 1, 1, 3], atol=5.1e-5)
    np.testing.assert_allclose([cell["values"] for cell in layer], expected.states[:, 0, 0].T, atol=5.1e-5)


def test_without_cells_there_are_none(client: FlaskClient) -> None:
    assert ask(client, text="a")["cells"] == []
    assert ask(client, text="a")["surprisal"] == [None]


def test_unknown_characters(client: FlaskClient) -> None:
    error = ask(client, 422, text="aÉb")["error"]
    assert (error["code"], error["param"]) == ("unknown_character", "text")
    assert error["unknown"] == [{"position": 1, "character": "É"}]
    found = ask(client, text="aÉb", unknown="skip")
    assert (found["tokens"], found["skipped"]) == (["a", "b"], [{"position": 1, "character": "É"}])
    error = ask(client, 422, text="ÉÉ", unknown="skip")["error"]
    assert (error["param"], error["message"]) == ("text", "text must have at least 1 token that the model knows, not 0")


@pytest.mark.parametrize(
    ("fields", "param", "says"),
    [
        ({}, "text", "text is required"),
        ({"text": ""}, "text", "text: string should have at least 1 character, not ''"),
        ({"text": 5}, "text", "text: "),
        ({"text": "a" * 10_001}, "text", "text must be at most 10000 characters (MAX_TRACE_LENGTH), not 10001"),
        ({"text": "a" * (1 << 20)}, "text", "text must be at most 10000 characters (MAX_TRACE_LENGTH), not 1048576"),
        ({"cells": [{"layer": 2}]}, "cells", "cells[0].layer must be from 0 to 1, not 2"),
        ({"cells": [{"layer": 0}, {"layer": 0, "unit": 16}]}, "cells", "cells[1].unit must be from 0 to 15, not 16"),
        ({"cells": [{"layer": -1}]}, "cells", "cells[0].layer: input should be greater than or equal to 0"),
        ({"cells": [{"layer": 0, "unit": "x"}]}, "cells", "cells[0].unit: input should be a valid integer"),
        ({"cells": [{"layer": 0, "part": "gate"}]}, "cells", "cells[0].part: "),
        ({"cells": [{"unit": 0}]}, "cells", "cells[0].layer is required"),
        ({"cells": [{"layer": 0, "units": 0}]}, "cells", "'cells[0].units' is not a field"),
        ({"cells": [{"layer": 0}] * 65}, "cells", "cells: list should have at most 64 items, not 65"),
        ({"cells": {"layer": 0}}, "cells", "valid array"),
        ({"stream": True}, "stream", "'stream' is not a field"),
    ],
)
def test_what_is_refused(client: FlaskClient, fields: dict[str, Any], param: str, says: str) -> None:
    error = ask(client, 422, **(fields if "text" in fields or not fields else {"text": "abc", **fields}))["error"]
    assert error["param"] == param
    assert says in error["message"]
    assert error["message"].count(", not ") <= 1


def test_a_layer_of_too_many_values(client: FlaskClient) -> None:
    cells = [{"layer": layer} for layer in (0, 1)] * 32
    error = ask(client, 422, text="a" * 5000, cells=cells)["error"]
    assert error["code"] == "invalid_value"
    assert error["message"] == "cells times tokens must be at most 4194304 values, not 5120000"


def test_an_svg_is_coloured_by_the_cell(client: FlaskClient) -> None:
    reply = picture(client, "image/svg+xml", text="a<b", cells=[{"layer": 1, "unit": 3, "part": "cell"}])
    assert (reply.status_code, reply.mimetype, reply.headers["Vary"]) == (200, "image/svg+xml", "Accept")
    root = ElementTree.fromstring(reply.data)
    assert root.get("aria-label") == "letters@1 · layer 1 · unit 3"
    assert "cell state" in reply.text
    values = ask(client, text="a<b", cells=[{"layer": 1, "unit": 3, "part": "cell"}])["cells"][0]["values"]
    titles = [each.text or "" for each in root.iter("{http://www.w3.org/2000/svg}title")]
    assert [title.split(": ")[0] for title in titles] == ["'a'", "'<'", "'b'"]
    np.testing.assert_allclose([float(title.split(": ")[1]) for title in titles], values, atol=1e-3)


def test_without_a_cell_a_picture_shows_surprise(client: FlaskClient) -> None:
    reply = picture(client, "image/svg+xml", text="ab")
    assert reply.status_code == 200
    assert "surprisal in bits" in reply.text


def test_a_png(client: FlaskClient) -> None:
    reply = picture(client, "image/png", text="a\nb", cells=[{"layer": 0, "unit": 0}])
    assert (reply.status_code, reply.mimetype) == (200, "image/png")
    assert reply.data.startswith(b"\x89PNG")


@pytest.mark.parametrize("cells", [[{"layer": 0}], [{"layer": 0, "unit": 0}, {"layer": 0, "unit": 1}]])
def test_a_picture_has_one_cell(client: FlaskClient, cells: Any) -> None:
    reply = picture(client, "image/png", text="a", cells=cells)
    assert reply.status_code == 422
    error = reply.json["error"]
    assert (error["code"], error["param"]) == ("invalid_value", "cells")
    assert "at most one cell" in error["message"]
    assert error["message"].endswith("not 2 cells" if len(cells) == 2 else "not all of layer 0")


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("*/*", "application/json"),
        ("text/html", "application/json"),
        ("image/*", "image/svg+xml"),
        ("image/png;q=0.5,image/svg+xml;q=0.4", "image/png"),
        ("application/json, image/png;q=0.9", "application/json"),
    ],
)
def test_what_is_accepted_decides(client: FlaskClient, accept: str, kind: str) -> None:
    assert picture(client, accept, text="a").mimetype == kind


ASK = {"prompt": "ab", "length": 12, "seed": 5, "n": 2}


def generate(client: FlaskClient, status: int = 200, **fields: Any) -> Any:
    return ask(client, status, "/generate", **{**ASK, **fields})


def test_generating_with_a_trace(client: FlaskClient) -> None:
    cells = [{"layer": 1, "unit": 2}, {"layer": 0, "unit": 1, "part": "cell"}]
    made = generate(client, trace={"cells": cells})
    TypeAdapter(GenerateReply).validate_json(json.dumps(made), strict=True)
    for choice in made["choices"]:
        whole = ask(client, text="ab" + choice["text"], cells=cells)
        assert "".join(choice["trace"]["tokens"]) == choice["text"]
        assert choice["trace"]["surprisal"] == whole["surprisal"][2:]
        assert choice["trace"]["top"] == whole["top"][2:]
        assert [cell["values"] for cell in choice["trace"]["cells"]] == [c["values"][2:] for c in whole["cells"]]
        assert "logprobs" not in choice


def test_a_trace_changes_nothing_else(client: FlaskClient) -> None:
    plain, traced = generate(client), generate(client, trace={})
    assert traced["choices"][0].pop("trace")["cells"] == []
    assert [choice["text"] for choice in plain["choices"]] == [choice["text"] for choice in traced["choices"]]


def test_what_comes_from_the_cache_is_traced_as_well(client: FlaskClient) -> None:
    fields: dict[str, Any] = {"trace": {"cells": [{"layer": 0}]}, "echo": True, "logprobs": 1}
    first, again = generate(client, **fields), generate(client, **fields)
    assert (first["cached"], again["cached"]) == (False, True)
    assert first["choices"] == again["choices"]
    assert first["choices"][0]["text"].startswith("ab")
    assert len(first["choices"][0]["trace"]["tokens"]) == 12
    assert len(first["choices"][0]["logprobs"]) == 14


def test_after_nothing_the_first_token_has_a_surprisal(client: FlaskClient) -> None:
    (choice,) = generate(client, prompt="", n=1, trace={})["choices"]
    assert None not in choice["trace"]["surprisal"]


@pytest.mark.parametrize(
    ("fields", "param", "says"),
    [
        ({"trace": {}, "stream": True}, "trace", "trace must be omitted with stream"),
        ({"trace": {"cells": [{"layer": 9}]}}, "trace", "trace.cells[0].layer must be from 0 to 1, not 9"),
        ({"trace": {"cells": [{"layer": "x"}]}}, "trace", "trace.cells[0].layer: input should be a valid integer"),
        ({"trace": True}, "trace", "trace: "),
        ({"trace": {}, "n": 16, "length": 700}, "trace", "must be at most 10000 (MAX_TRACE_LENGTH), not 11232"),
    ],
)
def test_what_is_refused_of_generate(client: FlaskClient, fields: Any, param: str | None, says: str) -> None:
    error = generate(client, 422, **fields)["error"]
    assert error["param"] == param
    assert says in error["message"]


@pytest.mark.parametrize("example", traces.EXAMPLES.values(), ids=traces.EXAMPLES)
def test_the_examples(client: FlaskClient, example: dict[str, Any]) -> None:
    text = "".join(character for character in example["text"].lower() if character in LETTERS)
    body = ask(client, **{**example, "text": text})
    TypeAdapter(TraceReply).validate_json(json.dumps(body), strict=True)


def test_the_document_says_what_a_trace_can_be_had_as(client: FlaskClient) -> None:
    document: Any = client.get("/openapi.json").json
    content = document["paths"]["/trace"]["post"]["responses"]["200"]["content"]
    assert set(content) == {"application/json", "image/svg+xml", "image/png"}


def test_a_surrogate_can_be_sent() -> None:
    cells, values = (UnitId(0, 1, "hidden"),), np.array([[0.5, -0.0]], dtype=np.float32)
    told = choice_trace(TextTrace("m", 1, ["\ud800", "a"], (None, 1.0), ((("\ud800", 0.5),), ()), cells, values))
    assert json_response(told).json == {
        "tokens": ["\ud800", "a"],
        "surprisal": [None, 1.0],
        "top": [[{"token": "\ud800", "probability": 0.5}], []],
        "cells": [{"layer": 0, "unit": 1, "part": "hidden", "values": [0.5, 0.0]}],
    }
