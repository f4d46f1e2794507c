from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient


def ask(client: FlaskClient, path: str, status: int = 200, **fields: Any) -> Any:
    reply = client.post(path, json=fields)
    assert reply.status_code == status, reply.text
    return reply.json


def test_a_text_to_ids_and_back(client: FlaskClient) -> None:
    found = ask(client, "/tokenize", text="cab")
    assert found == {"model": "letters", "version": 1, "count": 3, "ids": [2, 0, 1], "tokens": ["c", "a", "b"]}
    assert ask(client, "/detokenize", ids=found["ids"]) == {"model": "letters", "version": 1, "text": "cab"}


def test_what_other_servers_ask_beside_a_text_changes_nothing(client: FlaskClient) -> None:
    plain = ask(client, "/tokenize", text="cab")
    for field in ("add_special_tokens", "return_token_strs", "add_special", "parse_special"):
        for value in (True, False, None):
            asked: dict[str, Any] = {"text": "cab", field: value}
            assert ask(client, "/tokenize", **asked) == plain
        assert ask(client, "/tokenize", 422, text="cab", **{field: 1})["error"]["param"] == field


def test_nothing_is_a_text_too(client: FlaskClient) -> None:
    assert ask(client, "/tokenize", text="")["ids"] == []
    assert ask(client, "/detokenize", ids=[])["text"] == ""
    score = ask(client, "/score", text="")
    assert (score["tokens"], score["bits_per_character"], score["perplexity"]) == ([], None, None)


def test_characters_that_are_not_known(client: FlaskClient) -> None:
    for path in ("/tokenize", "/score"):
        error = ask(client, path, 422, text="aÉ")["error"]
        assert (error["code"], error["param"]) == ("unknown_character", "text")
        assert error["unknown"] == [{"position": 1, "character": "É"}]
    found = ask(client, "/tokenize", text="aÉ", unknown="skip")
    assert (found["ids"], found["skipped"]) == ([0], [{"position": 1, "character": "É"}])


def test_what_scores_say(client: FlaskClient) -> None:
    score = ask(client, "/score", text="abc")
    assert score["tokens"] == ["a", "b", "c"]
    assert score["logprobs"] == [None, pytest.approx(-0.6931472), pytest.approx(-0.6931472)]
    assert score["bits_per_character"] == pytest.approx(1)
    assert score["perplexity"] == pytest.approx(2)
    alone = ask(client, "/score", text="a")
    assert (alone["logprobs"], alone["bits_per_character"], alone["perplexity"]) == ([None], None, None)


@pytest.mark.parametrize(
    ("path", "fields", "status", "says"),
    [
        ("/tokenize", {}, 422, "text is required"),
        ("/score", {"text": None}, 422, "text is required"),
        ("/score", {"text": 5}, 422, "text: "),
        ("/score", {"text": "a" * 2001}, 422, "text must be at most 2000 characters (MAX_PROMPT_LENGTH), not 2001"),
        ("/score", {"text": "a", "prompt": "a"}, 422, "'prompt' is not a field"),
        ("/score", {"text": "a", "unknown": "skip"}, 422, "'unknown' is not a field"),
        ("/score", {"text": "a", "model": ""}, 422, "model's name"),
        ("/tokenize", {"text": "a", "model": "nobody"}, 404, "nobody"),
        ("/detokenize", {"ids": [26]}, 422, "from 0 to 25, not 26"),
        ("/detokenize", {"ids": [-1]}, 422, "not -1"),
        ("/detokenize", {"ids": [1 << 40]}, 422, "not 1099511627776"),
        ("/detokenize", {"ids": [1.5]}, 422, "not 1.5"),
        ("/detokenize", {"ids": "ab"}, 422, "valid array"),
        ("/detokenize", {"ids": [0] * 2001}, 422, "at most 2000 ids (MAX_PROMPT_LENGTH), not 2001"),
    ],
)
def test_what_is_refused(client: FlaskClient, path: str, fields: dict[str, Any], status: int, says: str) -> None:
    assert says in ask(client, path, status, **fields)["error"]["message"]
