from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import Any

import pytest

from charrnn.sampling import SamplingParams, choice_seed
from charrnn.vocabulary import UnknownCharactersError
from service.generation.cache import GenerationCache
from service.generation.cancellation import Client
from service.generation.errors import (
    ClientGoneError,
    DeadlineError,
    ItemError,
    NeverFitsError,
    ReplyTooLargeError,
)
from service.generation.generator import TextGenerator
from service.generation.observer import GenerationObserver, Lookup
from service.generation.requests import GenerationRequest
from service.generation.tokenization import UnknownIdsError
from tests.service.generation.arrivals import Arrivals
from tests.waiting import LONGEST, until


def ask(**fields: Any) -> GenerationRequest:
    return GenerationRequest(**{"model": "letters", "prompt": "xa", "length": 5, "seed": 0, **fields})


def test_the_text_goes_on_from_the_prompt(generator: TextGenerator) -> None:
    made = generator.generate(ask())
    assert (made.model, made.version, made.prompt_tokens, made.cached) == ("letters", 1, 2, False)
    assert [(c.text, c.seed, c.finish_reason, c.completion_tokens) for c in made.choices] == [("bcdef", 0, "length", 5)]


def test_an_empty_prompt_follows_the_start_of_the_vocabulary(generator: TextGenerator) -> None:
    made = generator.generate(ask(prompt=""))
    assert (made.choices[0].text, made.prompt_tokens) == ("bcdef", 0)


def test_choices_have_seeds_with_which_each_can_be_had_alone(generator: TextGenerator) -> None:
    made = generator.generate(ask(n=3))
    assert [choice.text for choice in made.choices] == ["bcdef", "cegik", "dgjmp"]
    alone = [generator.generate(ask(seed=choice.seed)).choices[0] for choice in made.choices]
    assert alone == list(made.choices)


def test_the_seeds_of_choices_stay_within_64_bits() -> None:
    assert choice_seed(2**63 - 1, 1) == -(2**63)
    assert choice_seed(-5, 2) == -3


@pytest.mark.parametrize(
    ("stop", "text", "tokens", "reason"),
    [(("d",), "bc", 3, "stop"), (("ef", "zz"), "bcd", 5, "stop"), (("fg",), "bcdef", 5, "length")],
)
def test_stop_texts_end_a_choice(
    generator: TextGenerator, stop: tuple[str, ...], text: str, tokens: int, reason: str
) -> None:
    choice = generator.generate(ask(stop=stop, sampling=SamplingParams(logprobs=1))).choices[0]
    assert (choice.text, choice.completion_tokens, choice.finish_reason) == (text, tokens, reason)
    assert choice.logprobs is not None
    assert "".join(token.token for token in choice.logprobs) == text


def test_a_stop_text_ends_the_work_too(generator: TextGenerator) -> None:
    assert generator.generate(ask(length=1 << 40, stop=("z",))).choices[0].completion_tokens == 25


def test_echo_puts_the_prompt_before_the_text(generator: TextGenerator) -> None:
    made = generator.generate(ask(echo=True))
    assert made.choices[0].text == "xabcdef"
    assert made.choices[0].completion_tokens == 5


def test_unknown_characters_are_refused_or_skipped(generator: TextGenerator) -> None:
    with pytest.raises(UnknownCharactersError, match="'É' at 1") as caught:
        generator.generate(ask(prompt="xÉa!"))
    assert caught.value.unknown == [(1, "É"), (3, "!")]
    made = generator.generate(ask(prompt="xÉa!", skip_unknown=True))
    assert (made.choices[0].text, made.prompt_tokens, made.skipped) == ("bcdef", 2, ((1, "É"), (3, "!")))


def test_an_identical_request_is_answered_from_the_cache(generator: TextGenerator, engine: Any) -> None:
    first = generator.generate(ask(seed=None))
    added = engine.added
    again = generator.generate(ask(seed=None))
    assert (again.cached, again.choices, engine.added) == (True, first.choices, added)
    assert 0 <= first.choices[0].seed < 2**53


class Counts(GenerationObserver):
    """What was looked up and generated."""

    def __init__(self) -> None:
        self.lookups: list[str] = []
        self.tokens: list[int] = []

    def looked_up(self, result: Lookup) -> None:
        self.lookups.append(result)

    def generated(self, tokens: int) -> None:
        self.tokens.append(tokens)


@pytest.fixture
def counts() -> Counts:
    return Counts()


@pytest.fixture
def counted(models: Any, redis: Any, scheduler: Any, counts: Counts) -> TextGenerator:
    return TextGenerator(models, GenerationCache(redis, ttl=60), scheduler, observer=counts)


def test_a_cached_text_is_cut_at_once_and_extended_from_its_end(counted: TextGenerator, counts: Counts) -> None:
    for length, known in ((5, 0), (3, 6), (8, 10), (8, 16), (6, 12)):
        made = counted.generate(ask(seed=None, n=2, length=length))
        assert (made.cached, made.cached_tokens) == (known == length * 2, known)
        assert [len(choice.text) for choice in made.choices] == [length, length]
    assert counts.lookups == ["miss", "hit", "partial", "hit", "hit"]
    assert counts.tokens == [10, 6]


def test_a_stream_begins_with_what_is_cached(counted: TextGenerator, counts: Counts, engine: Any) -> None:
    counted.generate(ask(length=50))
    streamed = counted.stream(ask(length=60))
    (head,) = streamed.heads
    assert (head.cached, head.cached_tokens) == (False, 50)
    pieces = [news[1] for news in streamed.pieces if news is not None]
    assert len(pieces[0].text) >= 50
    assert "".join(piece.text for piece in pieces) == counted.generate(ask(length=60, read_cache=False)).choices[0].text
    assert streamed.completion_tokens() == 60
    again = counted.stream(ask(length=60))
    (news,) = [news for news in again.pieces if news is not None]
    assert (again.heads[0].cached, len(news[1].text), again.completion_tokens()) == (True, 60, 60)
    assert (counts.lookups, counts.tokens) == (["miss", "partial", "hit"], [50, 10, 60])


def test_choices_that_ended_stay_while_the_others_go_on(counted: TextGenerator, counts: Counts) -> None:
    asked = ask(n=2, stop=("fg",), length=4)
    counted.generate(asked)
    for length, cached, text in ((9, 4 + 4, "cegikmoqs"), (12, 6 + 9, "cegikmoqsuwy")):
        made = counted.generate(replace(asked, length=length))
        assert [(choice.text, choice.finish_reason) for choice in made.choices] == [("bcde", "stop"), (text, "length")]
        assert made.cached_tokens == cached
    assert counts.tokens == [8, 2 + 5, 3]


def test_a_text_drawn_anew_replaces_a_longer_one_and_a_shorter_one_of_the_same_seed_does_not(
    counted: TextGenerator, counts: Counts
) -> None:
    for seed, left in ((3, 9), (None, 4)):
        counted.generate(ask(seed=seed, length=9))
        anew = counted.generate(ask(seed=seed, length=4, read_cache=False))
        made = counted.generate(ask(seed=seed, length=9))
        assert made.cached_tokens == left
        assert made.choices[0].text.startswith(anew.choices[0].text)


def test_a_damaged_entry_is_computed_anew_and_replaced(counted: TextGenerator, redis: Any) -> None:
    text = counted.generate(ask()).choices[0].text
    (key,) = redis.values
    redis.values[key] = redis.values[key][:-1] + b"?"
    assert [counted.generate(ask()).cached_tokens for _ in range(2)] == [0, 5]
    assert counted.generate(ask()).choices[0].text == text


def test_two_that_extend_the_same_entry_at_once_do_no_harm(
    models: Any, redis: Any, scheduler: Any, engine: Any
) -> None:
    one, other = (TextGenerator(models, GenerationCache(redis, ttl=60), scheduler) for _ in range(2))
    one.generate(ask(length=5))
    made = Arrivals(engine).together([(one, ask(length=12)), (other, ask(length=20))])
    assert sorted(each.cached_tokens for each in made) == [5, 5]
    for length in (12, 20, 25):
        alone = one.generate(ask(length=length, read_cache=False, write_cache=False))
        assert one.generate(ask(length=length)).choices == alone.choices


def test_several_requests_are_cached_partly_each_for_itself(counted: TextGenerator, counts: Counts) -> None:
    counted.generate(ask(prompt="b"))
    counted.generate(ask(prompt="c", length=9))
    asked = [ask(prompt=letter, length=7) for letter in "abc"]
    streamed = counted.stream_all(asked)
    assert [(head.cached, head.cached_tokens) for head in streamed.heads] == [(False, 0), (False, 5), (True, 7)]
    streamed.pieces.close()  # type: ignore[attr-defined]
    made = counted.generate_all(asked)
    assert [(each.cached, each.cached_tokens) for each in made] == [(False, 0), (False, 5), (True, 7)]
    assert [each.choices[0].text for each in made] == ["bcdefgh", "cdefghi", "defghij"]


def test_the_cache_can_be_left_out(generator: TextGenerator, redis: Any) -> None:
    generator.generate(ask(write_cache=False))
    assert not redis.values
    generator.generate(ask())
    assert not generator.generate(ask(read_cache=False)).cached


def test_redis_gone_changes_nothing(generator: TextGenerator, redis: Any) -> None:
    redis.up = False
    assert generator.generate(ask()).choices[0].text == "bcdef"


def test_ids_are_read_as_they_are_and_share_the_entry_of_their_text(generator: TextGenerator, engine: Any) -> None:
    made = generator.generate(ask(prompt=(23, 0), echo=True))
    assert (made.choices[0].text, made.prompt_tokens) == ("xabcdef", 2)
    assert generator.generate(ask(prompt="xa", echo=True)).cached
    with pytest.raises(UnknownIdsError, match="from 0 to 25, not 26"):
        generator.generate(ask(prompt=(0, 26)))


def test_of_several_nothing_is_computed_when_one_is_at_fault(generator: TextGenerator, engine: Any) -> None:
    with pytest.raises(ItemError, match=r"prompt\[1\]: 1 character outside the vocabulary: '!' at 1") as caught:
        generator.generate_all([ask(), ask(prompt="a!"), ask(prompt=(99,))])
    assert (caught.value.index, engine.added) == (1, 1)  # the one that warms the version up
    with pytest.raises(ItemError, match=r"prompt\[0\]: ids of letters"):
        generator.stream_all([ask(prompt=(99,)), ask()])


def test_all_texts_of_several_requests_are_computed_together(generator: TextGenerator, engine: Any) -> None:
    generator.generate(ask())
    opened, before = threading.Event(), engine.added
    engine.gate = lambda: opened.wait(LONGEST)
    made: list[Any] = []
    asked = [ask(prompt=letter, n=2, read_cache=False) for letter in "ab"]
    thread = threading.Thread(target=lambda: made.append(generator.generate_all(asked)))
    thread.start()
    until(lambda: engine.added >= before + 4)
    opened.set()
    thread.join(LONGEST)
    assert [[choice.text for choice in each.choices] for each in made[0]] == [["bcdef", "cegik"], ["cdefg", "dfhjl"]]


@pytest.mark.parametrize("cache", [True, False])
def test_more_texts_than_fit_take_turns_and_are_the_same_alone(
    generator: TextGenerator, engine: Any, cache: bool
) -> None:
    asked = [ask(prompt=letter, n=3, length=40, read_cache=cache, write_cache=cache) for letter in "abcdefgh"]
    made = generator.generate_all(asked)
    streamed = generator.stream_all([replace(each, read_cache=False) for each in asked])
    texts = [""] * 24
    for news in streamed.pieces:
        if news is not None:
            texts[news[0]] += news[1].text
    alone = [choice.text for each in asked for choice in generator.generate(replace(each, read_cache=False)).choices]
    assert [choice.text for each in made for choice in each.choices] == texts == alone
    assert (engine.largest, streamed.completion_tokens()) == (4, 24 * 40)


def test_those_in_the_cache_are_not_computed_again(generator: TextGenerator, engine: Any) -> None:
    known = generator.generate(ask(prompt="b", n=2))
    before = engine.added
    asked = [ask(prompt=letter, n=2) for letter in "aba"]
    streamed = generator.stream_all(asked)
    assert [head.cached for head in streamed.heads] == [False, True, False]
    pieces = [news for news in streamed.pieces if news is not None]
    assert "".join(piece.text for index, piece in pieces if index == 2) == known.choices[0].text
    assert streamed.completion_tokens() == 30
    assert engine.added == before + 4
    assert [each.cached for each in generator.generate_all([*asked, ask(prompt="c", n=2)])] == [True, True, True, False]
    assert engine.added == before + 6


def test_the_same_with_the_same_seed_is_computed_once(generator: TextGenerator, engine: Any) -> None:
    generator.generate(ask(prompt="z"))
    before = engine.added
    first, second = generator.generate_all([ask()] * 2)
    assert (first.choices, engine.added) == (second.choices, before + 1)


def test_the_same_several_times_is_drawn_apart_without_a_seed(generator: TextGenerator) -> None:
    asked = [ask(seed=None), ask(seed=None, prompt=(23, 0)), ask(seed=None, prompt="b"), ask(seed=None)]
    made = generator.generate_all(asked)
    assert len({each.choices[0].seed for each in made}) == 4
    again = generator.generate_all(asked)
    assert [each.choices for each in again] == [each.choices for each in made]
    assert generator.generate(ask(seed=None)).choices == made[0].choices
    seeded = generator.generate_all([ask(seed=5)] * 2)
    assert seeded[0].choices == seeded[1].choices == generator.generate(ask(seed=5, read_cache=False)).choices


def test_all_prompts_share_the_time_of_their_request(generator: TextGenerator, engine: Any) -> None:
    engine.gate = lambda: time.sleep(0.1)
    asked = [ask(prompt=letter, length=20, timeout=1.5) for letter in "abcdefghij"]
    assert generator.generate(asked[0]).choices
    client = Client(asked_at=time.monotonic())
    with pytest.raises(DeadlineError, match=r"1\.5 s"):
        generator.generate_all(asked, client)
    engine.gate = lambda: None
    with pytest.raises(DeadlineError):
        list(generator.stream(ask(length=1 << 40, timeout=1.5), client).pieces)


def test_what_can_never_fit_is_not_a_matter_of_waiting(generator: TextGenerator) -> None:
    with pytest.raises(NeverFitsError, match=r"n must be at most 8 \(MAX_ACTIVE \+ MAX_WAITING\), not 9"):
        generator.generate(ask(n=9))
    assert len(generator.generate(ask(n=8)).choices) == 8


@pytest.mark.parametrize(
    ("fields", "size", "param"),
    [
        ({"length": 101}, 101, "prompt"),
        ({"length": 49, "n": 2, "echo": True}, 102, "n"),
        ({"length": 49, "with_ids": True, "prompt": "xyz"}, 101, "prompt"),
        ({"length": 24, "logprobs": 3, "echo": True}, 104, "logprobs"),
    ],
)
def test_a_reply_too_large_is_refused_before_anything_is_computed(
    models: Any, redis: Any, scheduler: Any, engine: Any, fields: dict[str, Any], size: int, param: str
) -> None:
    generator = TextGenerator(models, GenerationCache(redis, ttl=60), scheduler, max_values=100)
    logprobs = fields.pop("logprobs", None)
    request = ask(**fields, sampling=SamplingParams(logprobs=logprobs))
    for refuse in (generator.generate, generator.stream):
        with pytest.raises(ReplyTooLargeError, match=rf"at most 100 \(MAX_REPLY_VALUES\), not {size}") as caught:
            refuse(request)
        assert caught.value.param == param
    assert engine.added == 1  # the one that warms the version up
    with pytest.raises(ReplyTooLargeError):
        generator.generate_all([replace(request, length=23, n=1)] * 5)
    assert generator.generate(replace(request, length=1, n=1)).choices


def test_a_client_that_hangs_up_frees_its_places(generator: TextGenerator, engine: Any, scheduler: Any) -> None:
    with pytest.raises(ClientGoneError):
        generator.generate(ask(length=1 << 40, n=4), client=Client(lambda: False))
    assert generator.generate(ask()).choices[0].text == "bcdef"
    assert scheduler.waiting == 0


def test_a_request_keeps_the_version_that_it_started_with(
    generator: TextGenerator, engine: Any, store: Any, new_checkpoint: Any
) -> None:
    entered, opened = threading.Event(), threading.Event()

    def gate() -> None:
        entered.set()
        opened.wait(LONGEST)

    generator.generate(ask(seed=9))
    engine.gate = gate
    made = []
    thread = threading.Thread(target=lambda: made.append(generator.generate(ask(read_cache=False))))
    thread.start()
    assert entered.wait(LONGEST)
    store.put("letters", new_checkpoint(loss=0.5))
    opened.set()
    thread.join()
    assert made[0].version == 1
    assert generator.generate(ask()).version == 2
