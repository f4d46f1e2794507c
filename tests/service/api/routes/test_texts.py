from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from charrnn.held_out_scores import HeldOutScores
from charrnn.surprise import Threshold
from model_store.held_out import KIND
from model_store.store import ModelStore

NOTHING: dict[str, Any] = {"bits_per_character": None, "bits": 0, "tokens": 0, "percentile": None, "surprising": []}


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


def test_scores_of_several_texts(client: FlaskClient, model_store: ModelStore) -> None:
    held_out = HeldOutScores(5, (0.5, 0.9, 1.1), Threshold(0.5, 0.9))
    model_store.keep("letters", 1, KIND, held_out.as_dict())
    found = ask(client, "/score", texts=["abcd", "", "a"], logprobs=True)
    assert (found["model"], found["version"]) == ("letters", 1)
    bit = pytest.approx(-0.6931472)
    assert found["results"] == [
        {
            "bits_per_character": pytest.approx(1),
            "bits": pytest.approx(3),
            "tokens": 4,
            "percentile": pytest.approx(0.75),
            "surprising": [{"start": 1, "end": 4, "text": "bcd", "bits": pytest.approx(3)}],
            "logprobs": [None, bit, bit, bit],
        },
        NOTHING | {"logprobs": []},
        NOTHING | {"tokens": 1, "logprobs": [None]},
    ]
    for asked in ({}, {"logprobs": False}):
        assert "logprobs" not in ask(client, "/score", texts=["ab"], **asked)["results"][0]
    (likely,) = ask(client, "/score", texts=["ab"], logprobs=1)["results"]
    assert likely["top_logprobs"] == [None, {"a": bit, "b": bit}]


def test_nothing_is_known_of_the_held_out_text_of_older_versions(client: FlaskClient, model_store: ModelStore) -> None:
    assert ask(client, "/score", texts=["ab"])["results"][0]["percentile"] is None
    model_store.keep("letters", 1, KIND, {"bits_per_character": "damaged"})
    assert ask(client, "/score", texts=["ab"])["results"][0]["percentile"] is None


def test_of_several_texts_the_one_at_fault_is_named_and_none_is_read(client: FlaskClient, engine: Any) -> None:
    ask(client, "/score", texts=["a"])
    added = engine.added
    error = ask(client, "/score", 422, texts=["a", "b", "c", "dÉ"])["error"]
    assert (error["code"], error["param"]) == ("unknown_character", "texts[3]")
    assert error["message"] == "texts[3]: 1 character outside the vocabulary: 'É' at 1"
    assert error["unknown"] == [{"position": 1, "character": "É"}]
    for wrong, says in ((5, "texts[1]: input should be a valid string"), ("a" * 2001, "texts[1] must be at most 2000")):
        error = ask(client, "/score", 422, texts=["a", wrong])["error"]
        assert (error["param"], error["message"][: len(says)]) == ("texts[1]", says)
    assert engine.added == added


@pytest.mark.parametrize(
    ("path", "fields", "status", "says"),
    [
        ("/tokenize", {}, 422, "text is required"),
        ("/score", {"text": None}, 422, "text is required"),
        ("/score", {"text": 5}, 422, "text: "),
        ("/score", {"text": "a" * 2001}, 422, "text must be at most 2000 characters (MAX_PROMPT_LENGTH), not 2001"),
        ("/score", {"text": "a", "prompt": "a"}, 422, "'prompt' is not a field"),
        ("/score", {"text": "a", "unknown": "skip"}, 422, "'unknown' is not a field"),
        ("/score", {"text": "a", "texts": ["a"]}, 422, "text and texts exclude each other"),
        ("/score", {"text": "a", "logprobs": True}, 422, "logprobs goes with texts"),
        ("/score", {"texts": ["a"], "logprobs": 21}, 422, "less than or equal to 20, not 21"),
        ("/score", {"texts": []}, 422, "texts: list should have at least 1 item"),
        (
            "/score",
            {"texts": ["a"] * 1001},
            422,
            "texts: list should have at most 1000 items, not 1001",
        ),
        ("/score", {"texts": "a"}, 422, "texts: input should be a valid array"),
        ("/score", {"texts": ["a" * 1000] * 1000 + ["b" * 4_000_000]}, 413, "at most 4194304 bytes, not 5"),
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
