"""This project's own client and its commands, with a running service."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from charrnn.checkpoint import Checkpoint
from charrnn.config import ModelConfig
from charrnn.vocabulary import Vocabulary
from service.client import Client, ServiceError
from tests.ports import free_port
from tests.system.running import ROOT, Service

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def client(asked: Service, admin_key: str) -> Client:
    return Client(f"http://127.0.0.1:{asked.port}", admin_key)


def test_whole_and_in_pieces(client: Client) -> None:
    made = client.generate("ROMEO:", length=400, temperature=0.8, seed=5)
    assert len(made.text) == 400
    assert (made.model, made.version, made.seed) == ("shakespeare", 1, 5)
    pieces = list(client.stream("ROMEO:", length=400, temperature=0.8, seed=5, cache=False))
    assert "".join(piece.text for piece in pieces) == made.text
    assert [piece.finish_reason for piece in pieces if piece.finish_reason] == ["length"]


def test_a_stream_that_is_left_early_frees_its_place(client: Client) -> None:
    for _ in range(30):
        pieces = client.stream("ROMEO:", length=10_000, cache=False)
        assert next(pieces).text
        pieces.close()  # type: ignore[attr-defined]
    assert client.generate("ROMEO:", length=5, n=8, cache=False).choices[7].text


def test_texts(client: Client) -> None:
    ids = client.tokenize("ROMEO:")
    assert client.detokenize(ids) == "ROMEO:"
    score = client.score("ROMEO:")
    assert score.logprobs[0] is None
    assert score.perplexity is not None
    echoed = client.generate("ROMEO:", length=1, echo=True, logprobs=0).choices[0].logprobs
    assert echoed is not None
    assert [token["logprob"] for token in echoed[:6]] == score.logprobs
    several = client.score(texts=["ROMEO:", "", *["JULIET:"] * 100], logprobs=True)
    assert several[0].logprobs == score.logprobs
    assert (several[0].tokens, several[0].bits_per_character) == (6, score.bits_per_character)
    assert (several[1].tokens, several[1].bits_per_character) == (0, None)
    assert several[2:] == [several[2]] * 100
    usual, odd = client.score(texts=["And let the people know the king is here.", "And lqt zxh pxoqle kqow zxh kqng"])
    assert usual.percentile is not None and odd.percentile is not None
    assert usual.percentile < 0.5 < 0.9 < odd.percentile
    assert usual.surprising == []
    assert odd.surprising != []


def test_what_cells_do(client: Client) -> None:
    text = client.generate("ROMEO:", length=600, seed=5, echo=True).text
    traced = client.trace(text, [{"layer": 0}])
    score = client.score(text)
    assert traced.tokens == score.tokens
    costs = [None if logprob is None else -logprob / math.log(2) for logprob in score.logprobs]
    assert traced.surprisal[0] is None
    np.testing.assert_allclose(np.array(traced.surprisal[1:], float), np.array(costs[1:], float), atol=1e-6)
    assert [len(cell["values"]) for cell in traced.cells] == [len(text)] * 256
    assert client.picture(text, {"layer": 0, "unit": 5}).startswith(b"\x89PNG")
    with pytest.raises(ServiceError, match=r"cells\[0\].unit must be from 0 to 255, not 256"):
        client.trace(text, [{"layer": 0, "unit": 256}])


def test_models_in_and_out(client: Client) -> None:
    (model,) = [each for each in client.models() if each["name"] == "shakespeare"]
    assert model["aliases"] == {"current": 1}
    assert client.promote("shakespeare", 1)["aliases"] == {"current": 1}
    starter = ROOT / "service" / "starter" / "shakespeare.safetensors"
    published = client.publish("copied", starter)
    assert published["digest"] == client.model("shakespeare")["versions"][0]["digest"]
    texts = {client.generate("ROMEO:", length=50, seed=1, model=name).text for name in ("copied", "shakespeare")}
    assert len(texts) == 1


def test_characters_of_several_bytes_come_whole(client: Client, tmp_path: Path) -> None:
    characters = "".join(sorted("aé€日😀🎉"))
    config = ModelConfig(len(characters), "gru", hidden_size=8)
    random = np.random.default_rng(0)
    weights = {name: random.normal(0, 0.3, shape).astype(np.float32) for name, shape in config.shapes().items()}
    (tmp_path / "file").write_bytes(Checkpoint(config, Vocabulary(characters), weights).to_bytes())
    client.publish("emoji", tmp_path / "file")
    pieces = [piece.text for piece in client.stream("😀", length=3000, model="emoji", seed=1, cache=False)]
    assert set("".join(pieces)) <= set(characters)
    assert "".join(pieces) == client.generate("😀", length=3000, model="emoji", seed=1).text


def test_errors(client: Client, asked: Service) -> None:
    with pytest.raises(ServiceError, match="length must be at most") as caught:
        client.generate(length=10**9)
    assert (caught.value.status, caught.value.code, caught.value.param) == (422, "invalid_value", "length")
    with pytest.raises(ServiceError, match="no model nobody"):
        next(client.stream(model="nobody"))
    with pytest.raises(ServiceError) as caught:
        Client(f"127.0.0.1:{asked.port}", "wrong").jobs()
    assert caught.value.status == 401
    with pytest.raises(ServiceError, match="cannot be reached") as caught:
        Client(f"http://127.0.0.1:{free_port()}").models()
    assert caught.value.status == 0
