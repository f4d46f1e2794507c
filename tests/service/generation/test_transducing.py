"""Records are turned into others: greedily in the batch of all, or with beams, the same each time."""

from __future__ import annotations

import numpy as np
import pytest

from service.generation.cancellation import NO_CLIENT
from service.generation.errors import BusyError, DeadlineError, ItemError, ReplyTooLargeError
from service.generation.scheduling.scheduler import Scheduler
from service.generation.tasks import WrongTaskError
from service.generation.transducing import Transducer, Transduction, TransductionRequest
from tests.service.generation.record_models import LETTERS, log_softmax, record_models

END, SEPARATOR = len(LETTERS), len(LETTERS) + 1
TEXTS = ["abc", "e", "dede", "a b\nc", "cab" * 7, "ea"]


@pytest.fixture
def transducer(scheduler: Scheduler) -> Transducer:
    return Transducer(record_models(), scheduler, max_values=200)


def test_greedily_each_token_is_the_likeliest(transducer: Transducer) -> None:
    found = transducer.transduce(TransductionRequest("transducer", TEXTS, length=12))
    assert (found.model, found.version, len(found.results)) == ("transducer", 1, len(TEXTS))
    for text, result in zip(TEXTS, found.results, strict=True):
        read, logprob = [*LETTERS.encode(text), SEPARATOR], 0.0
        for _ in range(12):
            after = log_softmax("transducer", read)[-1]
            read.append(int(after.argmax()))
            logprob += after.max()
            if read[-1] == END:
                break
        written = [id_ for id_ in read[len(text) + 1 :] if id_ != END]
        assert result.text == LETTERS.decode(np.array(written, np.int32))
        assert result.logprob == pytest.approx(logprob, abs=1e-4)
        assert result.finish_reason == ("end" if read[-1] == END else "length")


def test_beams_find_what_is_at_least_as_likely(transducer: Transducer) -> None:
    asked = [TransductionRequest("transducer", TEXTS, beams, 8) for beams in (1, 5, 16, 5)]
    greedy, some, many, again = (transducer.transduce(each).results for each in asked)
    assert list(some) == list(again), "there is no randomness"
    for one, five, sixteen in zip(greedy, some, many, strict=True):
        assert one.logprob <= five.logprob + 1e-6 and one.logprob <= sixteen.logprob + 1e-6
    assert [each.text for each in some] != [each.text for each in greedy]
    for text, result in zip(TEXTS, many, strict=True):
        written = [*LETTERS.encode(result.text), *([END] if result.finish_reason == "end" else [])]
        read = [*LETTERS.encode(text), SEPARATOR, *written]
        after = log_softmax("transducer", read)[len(text) : -1]
        assert result.logprob == pytest.approx(sum(after[range(len(written)), written]), abs=1e-4)


def test_what_is_not_known_is_named_or_skipped(transducer: Transducer) -> None:
    for beams in (1, 3):
        with pytest.raises(ItemError, match=r"texts\[1\]: 1 character outside"):
            transducer.transduce(TransductionRequest("transducer", ["a", "a?"], beams, 5))
        with pytest.raises(ItemError, match=r"texts\[1\]: a record must have at least 1 token"):
            transducer.transduce(TransductionRequest("transducer", ["a", ""], beams, 5))
        plain, skipped = (
            transducer.transduce(TransductionRequest("transducer", [text], beams, 5, skip_unknown=True)).results[0]
            for text in ("ab", "a?b")
        )
        assert skipped == Transduction(plain.text, plain.logprob, plain.finish_reason, ((1, "?"),))


def test_limits(transducer: Transducer, scheduler: Scheduler) -> None:
    with pytest.raises(ReplyTooLargeError, match="texts x length, must be at most 200"):
        transducer.transduce(TransductionRequest("transducer", ["a"] * 3, length=67))
    with pytest.raises(WrongTaskError, match="ask POST /generate"):
        transducer.transduce(TransductionRequest("records", ["a"]))
    late = Transducer(record_models(), scheduler, timeout=0.0)
    for beams in (1, 2):
        with pytest.raises(DeadlineError):
            late.transduce(TransductionRequest("transducer", ["a"], beams, 5), NO_CLIENT)
    crowded = Transducer(record_models(), scheduler, at_once=0)
    with pytest.raises(BusyError, match="0 beam searches are running already"):
        crowded.transduce(TransductionRequest("transducer", ["a"], 2, 5))
    assert crowded.transduce(TransductionRequest("transducer", ["a"], 1, 5)).results, "greedily it needs no place"


def test_places_are_given_back(scheduler: Scheduler) -> None:
    transducer = Transducer(record_models(), scheduler, at_once=1)
    for _ in range(2):
        with pytest.raises(ItemError):
            transducer.transduce(TransductionRequest("transducer", ["?"], 2, 5))
        transducer.transduce(TransductionRequest("transducer", ["a"], 2, 5))
