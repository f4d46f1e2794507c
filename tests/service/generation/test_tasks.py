"""Texts of a model of records: they begin, with a label if there is one, and end."""

from __future__ import annotations

from typing import Any

import pytest

from charrnn.engine.gpu.reference import ReferenceEngine
from charrnn.sampling import SamplingParams
from charrnn.tasks.arrangement import TEXT, Arrangement
from charrnn.tasks.record import TaskName
from charrnn.vocabulary import UnknownCharactersError, Vocabulary
from service.generation.cache import GenerationCache
from service.generation.errors import ItemError
from service.generation.generator import TextGenerator
from service.generation.requests import Choice, GenerationRequest
from service.generation.resident import ResidentModels
from service.generation.scheduling.scheduler import Scheduler
from service.generation.tasks import SeparatorError, UnknownLabelError, WrongTaskError, check_records
from service.generation.tokenization import UnknownIdsError
from tests.networks import random_network
from tests.service.conftest import MemoryRedis, MemoryStore

LABELS = tuple(sorted(f"{first}{second}" for first in "abcde" for second in "xyz"))


def arranged(task: TaskName, labels: tuple[str, ...] = (), separator: str = "--") -> Arrangement:
    return Arrangement(task, "separator", separator, labels)


MODELS = {
    "records": arranged("generate"),
    "labels": arranged("generate", LABELS),
    "classifier": arranged("classify", ("x", "y")),
    "text": TEXT,
}


@pytest.fixture
def models() -> ResidentModels:
    memory = MemoryStore()
    for name, arrangement in MODELS.items():
        memory.put(name, random_network(Vocabulary("-abc"), "gru", 6, arrangement=arrangement))
    return ResidentModels(memory, ReferenceEngine)


@pytest.fixture
def generator(models: ResidentModels, redis: MemoryRedis, scheduler: Scheduler) -> TextGenerator:
    return TextGenerator(models, GenerationCache(redis, ttl=60), scheduler)


def choices(generator: TextGenerator, model: str, **fields: Any) -> tuple[Choice, ...]:
    return generator.generate(GenerationRequest(model, **{"length": 60, "seed": 1, "n": 4, **fields})).choices


def test_a_record_ends_by_itself(generator: TextGenerator) -> None:
    for choice in choices(generator, "records"):
        assert (choice.finish_reason, choice.completion_tokens) == ("end", len(choice.text) + 1)
    short = choices(generator, "records", length=1, seed=5)
    assert {(choice.finish_reason, len(choice.text)) for choice in short} <= {("end", 0), ("length", 1)}
    assert {choice.finish_reason for choice in choices(generator, "text")} == {"length"}


def test_the_end_has_a_log_probability_and_no_text(generator: TextGenerator) -> None:
    asked = {"sampling": SamplingParams(logprobs=5), "echo": True, "prompt": "ab", "with_ids": True}
    for choice in choices(generator, "labels", label="ax", **asked):
        assert choice.logprobs is not None and choice.ids is not None and choice.finish_reason == "end"
        assert list(choice.logprobs.tokens) == [*choice.text, ""]
        assert all(each.logprob is not None and len(each.top) == 5 for each in choice.logprobs), "a label precedes"
        assert len(choice.ids) == choice.completion_tokens == len(choice.text) - 2 + 1


def test_a_stop_text_still_ends_a_record_before_its_end(generator: TextGenerator) -> None:
    whole = choices(generator, "records", n=8)
    for before, after in zip(whole, choices(generator, "records", n=8, stop=("a", "bc")), strict=True):
        at = min((before.text.find(stop) for stop in ("a", "bc") if stop in before.text), default=None)
        expected = (before.text, "end") if at is None else (before.text[:at], "stop")
        assert (after.text, after.finish_reason) == expected


def test_a_label_is_what_a_record_begins_with(generator: TextGenerator, redis: MemoryRedis) -> None:
    texts = [tuple(each.text for each in choices(generator, "labels", label=label)) for label in (None, "ax", "ez")]
    assert len(set(texts)) == len(redis.values) == 3, "each has an entry of its own in the cache"
    again = choices(generator, "labels", label="ax")
    assert (tuple(each.text for each in again), again[0].finish_reason) == (texts[1], "end")


def test_an_unknown_label_lists_the_closest(generator: TextGenerator) -> None:
    with pytest.raises(UnknownLabelError, match="no label 'axe'; the closest of 15 labels: 'ax', ") as raised:
        choices(generator, "labels", label="axe")
    assert len(raised.value.closest) == 5
    with pytest.raises(UnknownLabelError, match="trained without labels"):
        choices(generator, "records", label="ax")


def test_a_model_of_another_task_names_the_route_that_is_for_it(
    generator: TextGenerator, models: ResidentModels
) -> None:
    with pytest.raises(WrongTaskError, match="classifier version 1 is a model to classify: ask POST /classify"):
        choices(generator, "classifier")
    with pytest.raises(WrongTaskError, match="text version 1 continues one endless text, without records: ask POST /g"):
        check_records(models.get("text"))
    check_records(models.get("labels"))


def test_a_prompt_is_the_beginning_of_one_record(generator: TextGenerator) -> None:
    with pytest.raises(SeparatorError, match="'--', at 1"):
        choices(generator, "records", prompt="a--b")
    with pytest.raises(ItemError, match=r"prompt\[1\]: it has the separator"):
        generator.generate_all([GenerationRequest("records", prompt) for prompt in ("a-b", "--")])
    with pytest.raises(UnknownIdsError, match="from 0 to 3, not 4"):
        choices(generator, "labels", prompt=(0, 4))
    with pytest.raises(UnknownCharactersError):
        choices(generator, "labels", prompt="ax!")


def test_records_of_a_file_with_fields_may_have_line_ends(redis: MemoryRedis, scheduler: Scheduler) -> None:
    memory = MemoryStore()
    arrangement = Arrangement("generate", "line", "\n")
    memory.put("poems", random_network(Vocabulary("\nab"), "gru", 6, arrangement=arrangement))
    memory.put("names", random_network(Vocabulary("ab"), "gru", 6, arrangement=arrangement))
    generator = TextGenerator(ResidentModels(memory, ReferenceEngine), GenerationCache(redis, ttl=60), scheduler)
    (choice,) = choices(generator, "poems", prompt="a\nb", n=1, echo=True)
    assert choice.text.startswith("a\nb")
    with pytest.raises(SeparatorError, match=r"'\\n', at 1"):
        choices(generator, "names", prompt="a\nb")
