"""One search at a time, and none for who has gone."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from charrnn.checkpoint import Checkpoint
from charrnn.config import ModelConfig
from charrnn.engine.cpu.batch import CpuEngine
from charrnn.interpretation.survey import TooShortError
from charrnn.vocabulary import UnknownCharactersError, Vocabulary
from service.generation.cancellation import Client
from service.generation.errors import BusyError, ClientGoneError, DeadlineError
from service.generation.resident import ResidentModels
from service.generation.units.search import UnitSearch

TEXT = "".join(random.Random(7).choices("ab 1\n", k=3000))


def network() -> Checkpoint:
    vocabulary = Vocabulary.of([TEXT])
    config = ModelConfig(len(vocabulary), cell="gru", hidden_size=4)
    noise = np.random.default_rng(0)
    weights = {name: noise.normal(0, 1, shape).astype(np.float32) for name, shape in config.shapes().items()}
    return Checkpoint(config, vocabulary, weights)


@pytest.fixture
def models(store: Any) -> ResidentModels:
    store.put("noise", network())
    return ResidentModels(store, CpuEngine)


def test_the_same_search_finds_the_same(models: ResidentModels) -> None:
    search = UnitSearch(models)
    found = search.search("noise", [TEXT], held_out=False)
    assert found == search.search("noise", [TEXT], held_out=False)
    assert (found.characters, found.held_out) == (3000, False)
    assert "digit" in [cell.slug for cell in found.cells]


def test_one_at_a_time(models: ResidentModels) -> None:
    search, refused = UnitSearch(models), []

    def ask_for_another() -> bool:
        with pytest.raises(BusyError) as error:
            search.search("noise", [TEXT], held_out=False)
        refused.append(error.value.retry_after)
        return len(refused) < 2

    with pytest.raises(ClientGoneError):
        search.search("noise", [TEXT], held_out=False, client=Client(ask_for_another))
    assert len(refused) == 2
    assert min(refused) > 0
    assert search.search("noise", [TEXT], held_out=False).characters == 3000


def test_it_takes_no_longer_than_it_may(models: ResidentModels) -> None:
    with pytest.raises(DeadlineError):
        UnitSearch(models, timeout=0).search("noise", [TEXT], held_out=False)


def test_what_it_cannot_read(models: ResidentModels) -> None:
    search = UnitSearch(models)
    with pytest.raises(UnknownCharactersError):
        search.search("noise", [TEXT + "!"], held_out=False)
    with pytest.raises(TooShortError):
        search.search("noise", [TEXT[:100] + "!"], held_out=False, skip_unknown=True)
    assert search.search("noise", [TEXT + "!"], held_out=False, skip_unknown=True).characters == 3000
