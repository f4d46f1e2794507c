"""A text in one call: the service's own, and in words what cannot be done."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import charrnn
from charrnn.checkpoint import Checkpoint, CheckpointError
from charrnn.config import ModelConfig
from charrnn.sampling import SamplingParams
from charrnn.tasks.arrangement import Arrangement
from charrnn.vocabulary import UnknownCharactersError, Vocabulary
from model_store.promotion import publish_and_promote
from model_store.store import ModelStore
from service.bootstrap.starter import STARTER_PATH, put_starter
from service.generation.cache import GenerationCache
from service.generation.engines import build_engine
from service.generation.generator import TextGenerator
from service.generation.redis_link import link_to
from service.generation.requests import GenerationRequest
from service.generation.resident import ResidentModels
from service.generation.scheduling.scheduler import Scheduler
from tests.networks import random_network

STARTER = STARTER_PATH


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("data")
    store = ModelStore(folder / "models")
    put_starter(store)
    scheduler = Scheduler(max_active=4, max_waiting=4)
    scheduler.start()
    models = ResidentModels(store, build_engine("cpu", folder / "packed", folder / "kernels"))
    yield TextGenerator(models, GenerationCache(link_to("redis://127.0.0.1:1", 0.1), 1), scheduler)
    scheduler.close()


@pytest.mark.parametrize(
    ("given", "sampling"),
    [
        ({"prompt": "ROMEO:", "length": 300}, {}),
        ({"prompt": "", "length": 300}, {"temperature": 0.5}),
        ({"prompt": "JULIET:\n", "length": 300, "stop": ("\n\n", "the")}, {}),
        ({"prompt": "A", "length": 600, "stop": ("e", "th"), "min_tokens": 300, "include_stop": True}, {}),
        ({"prompt": "O", "length": 300, "echo": True}, {"top_k": 5, "top_p": 0.9, "min_p": 0.01}),
        ({"prompt": "ROMEO:", "length": 300, "n": 3}, {"repetition_penalty": 1.3}),
        ({"prompt": "ROMEO:", "length": 300}, {"presence_penalty": 1.0, "frequency_penalty": 0.5}),
        (
            {"prompt": "ROMEO:", "length": 300},
            {"logit_bias": ((40, 3.0), (43, -100.0)), "allowed_token_ids": (40, 43, 50)},
        ),
        ({"prompt": "caf\u00e9 ", "length": 20}, {"temperature": 0}),
    ],
)
def test_it_is_the_services_text(service: TextGenerator, given: Any, sampling: Any) -> None:
    request = GenerationRequest(
        "shakespeare",
        **given,
        seed=7,
        sampling=SamplingParams(**sampling),
        skip_unknown=True,
        read_cache=False,
        write_cache=False,
    )
    expected = [choice.text for choice in service.generate(request).choices]
    given["include_stop_str_in_output"] = given.pop("include_stop", False)
    made = charrnn.generate(STARTER, **given, seed=7, unknown="skip", **sampling)
    assert (made if isinstance(made, list) else [made]) == expected


@pytest.mark.parametrize("labels", [(), ("x", "y")])
def test_records_end_as_in_the_service(tmp_path: Path, labels: tuple[str, ...]) -> None:
    store, scheduler = ModelStore(tmp_path / "models"), Scheduler(max_active=4, max_waiting=4)
    arrangement = Arrangement("generate", "line", "\n", labels)
    publish_and_promote(store, "records", random_network(Vocabulary("abc"), "gru", 8, arrangement=arrangement))
    models = ResidentModels(store, build_engine("cpu", tmp_path / "packed", tmp_path / "kernels"))
    generator = TextGenerator(models, GenerationCache(link_to("redis://127.0.0.1:1", 0.1), 1), scheduler)
    scheduler.start()
    path = tmp_path / "models/records/1.safetensors"
    for label in (None, *labels):
        expected = generator.generate(GenerationRequest("records", "a", 90, 7, n=8, label=label)).choices
        assert {choice.finish_reason for choice in expected} == {"end"}
        made = charrnn.generate(path, "a", length=90, seed=7, n=8, label=label)
        assert made == [choice.text for choice in expected]
    with pytest.raises(ValueError, match=f"one of the model's {len(labels)} labels, not 'z'"):
        charrnn.generate(path, label="z")
    scheduler.close()


def test_a_model_of_another_task_generates_nothing(tmp_path: Path) -> None:
    arrangement = Arrangement("classify", "line", "\n", ("x", "y", "z"))
    checkpoint = random_network(Vocabulary("a"), "gru", 8, arrangement=arrangement)
    (tmp_path / "file").write_bytes(checkpoint.to_bytes())
    with pytest.raises(ValueError, match="a model to classify generates no texts"):
        charrnn.generate(tmp_path / "file")


def test_without_a_seed_each_call_draws_its_own() -> None:
    assert charrnn.generate(STARTER, "ROMEO:", length=50) != charrnn.generate(STARTER, "ROMEO:", length=50)
    assert len(charrnn.generate(str(STARTER), "ROMEO:", length=5, n=1)) == 1


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"prompt": "caf\u00e9"}, UnknownCharactersError, "'\u00e9' at 3"),
        ({"length": 0}, ValueError, "length must be at least 1, not 0"),
        ({"n": 0}, ValueError, "n must be at least 1, not 0"),
        ({"unknown": "drop"}, ValueError, "unknown must be 'error' or 'skip', not 'drop'"),
        ({"temperature": -1}, ValueError, "temperature must be at least 0, not -1"),
        ({"temperature": float("nan")}, ValueError, "temperature must be at least 0, not nan"),
        ({"top_p": 0}, ValueError, "top_p must be more than 0 and at most 1, not 0"),
        ({"presence_penalty": 3}, ValueError, "presence_penalty must be from -2 to 2, not 3"),
        ({"logit_bias": {9999: 1.0}}, ValueError, "ids must be from 0 to 64, not 9999"),
        ({"logit_bias": {1: float("nan")}}, ValueError, "logit_bias must be of finite numbers, not nan for id 1"),
        ({"allowed_token_ids": []}, ValueError, "allowed_token_ids must have at least one id"),
        ({"temprature": 1}, TypeError, "no parameter 'temprature'; those of sampling are temperature"),
    ],
)
def test_invalid_arguments_are_refused(given: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        charrnn.generate(STARTER, **given)


def test_a_bias_may_be_a_mapping() -> None:
    texts = [charrnn.generate(STARTER, "O", length=50, seed=1, logit_bias=bias) for bias in ({40: 90.0}, ((40, 90.0),))]
    assert texts[0] == texts[1] == texts[0][0] * 50


def test_a_file_that_is_not_a_checkpoint_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no checkpoint file .*gone"):
        charrnn.generate(tmp_path / "gone")
    (tmp_path / "cut").write_bytes(STARTER.read_bytes()[:1000])
    for damaged in (tmp_path, tmp_path / "cut"):
        with pytest.raises(CheckpointError):
            charrnn.generate(damaged)


def test_another_file_under_the_same_name_is_seen(tmp_path: Path) -> None:
    for characters in ("ab", "cd"):
        config = ModelConfig(2, "rnn", hidden_size=8)
        weights = {name: np.zeros(shape, np.float32) for name, shape in config.shapes().items()}
        (tmp_path / "new").write_bytes(Checkpoint(config, Vocabulary(characters), weights).to_bytes())
        (tmp_path / "new").replace(tmp_path / "model")
        assert set(charrnn.generate(tmp_path / "model", length=100)) == set(characters)


def test_it_is_imported_when_it_is_wanted_and_without_torch() -> None:
    program = (
        "import sys, charrnn; assert 'numpy' not in sys.modules;"
        f"charrnn.generate({str(STARTER)!r}, length=2); assert not {{'torch', 'numba', 'flask'}} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], cwd=Path(__file__).parents[2], check=True)


def test_what_there_is_not_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'charrnn' has no attribute 'generation'"):
        charrnn.generation  # noqa: B018
