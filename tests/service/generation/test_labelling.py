"""Labels and tags are those of the network, in the order of the texts, and every character has its tag."""

from __future__ import annotations

import numpy as np
import pytest

from charrnn.vocabulary import UnknownCharactersError
from service.generation.errors import ItemError, ReplyTooLargeError
from service.generation.labelling import Labeller
from service.generation.reading import RecordLengthError
from service.generation.scheduling.scheduler import Scheduler
from service.generation.tasks import WrongTaskError
from tests.charrnn.engine.engines import BUILD
from tests.service.generation.record_models import LETTERS, MANY, WORDS, log_softmax, record_models

END = len(LETTERS)


@pytest.fixture
def labeller(scheduler: Scheduler) -> Labeller:
    return Labeller(record_models(), scheduler, max_values=200)


def test_a_label_is_the_likeliest_after_the_last_token(labeller: Labeller) -> None:
    texts = ["abc", "e", "a\nb", "dede" * 9, *"abcde"]
    found = labeller.classify("classifier", texts)
    assert (found.model, found.version, len(found.results)) == ("classifier", 1, len(texts))
    for text, result in zip(texts, found.results, strict=True):
        expected = np.exp(log_softmax("classifier", LETTERS.encode(text))[-1])
        assert result.label == MANY[int(expected.argmax())] == result.probabilities[0][0]
        assert result.probability == pytest.approx(expected.max(), abs=1e-5)
        assert dict(result.probabilities) == pytest.approx(dict(zip(MANY, expected, strict=True)), abs=1e-5)
        ordered = [probability for _, probability in result.probabilities]
        assert ordered == sorted(ordered, reverse=True) and sum(ordered) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("engine", BUILD)
def test_every_engine_chooses_among_more_labels_than_there_are_tokens(scheduler: Scheduler, engine: str) -> None:
    labeller, texts = Labeller(record_models(BUILD[engine]), scheduler), ["a", "abcde", "dd", "c" * 40, "ab"]
    for text, result in zip(texts, labeller.classify("classifier", texts).results, strict=True):
        expected = np.exp(log_softmax("classifier", LETTERS.encode(text))[-1])
        assert dict(result.probabilities) == pytest.approx(dict(zip(MANY, expected, strict=True)), abs=0.01)


def test_two_labels_are_one_unit_and_its_sigmoid(labeller: Labeller) -> None:
    (result,) = labeller.classify("sentiment", ["abba"]).results
    bad, good = np.exp(log_softmax("sentiment", LETTERS.encode("abba"))[-1])
    assert dict(result.probabilities) == pytest.approx({"bad": bad, "good": good}, abs=1e-5)


def test_only_the_likeliest_labels_if_asked(labeller: Labeller) -> None:
    (every,) = labeller.classify("classifier", ["abc"]).results
    (some,) = labeller.classify("classifier", ["abc"], top=3).results
    assert list(some.probabilities) == list(every.probabilities)[:3]
    assert len(labeller.classify("classifier", ["abc"], top=5000).results[0].probabilities) == 15
    with pytest.raises(ReplyTooLargeError, match=r"texts x labels; top returns fewer .* at most 200 .* not 210"):
        labeller.classify("classifier", ["a"] * 14)
    assert len(labeller.classify("classifier", ["a"] * 14, top=14).results) == 14


@pytest.mark.parametrize(("name", "delay", "tags"), [("tagger", 0, "abc"), ("later", 2, ("no", "yes"))])
def test_a_tag_is_the_likeliest_after_the_delay(labeller: Labeller, name: str, delay: int, tags: str) -> None:
    texts = ["abcde" * 4, "a", "bb"]
    for text, result in zip(texts, labeller.tag(name, texts).results, strict=True):
        expected = np.exp(log_softmax(name, [*LETTERS.encode(text), *[END] * delay])[delay:])
        assert list(result.tags) == [tags[i] for i in expected.argmax(axis=1)]
        assert len(result.tags) == len(text)
        assert [span.start for span in result.spans] == [0, *(span.stop for span in result.spans[:-1])]
        assert result.spans[-1].stop == len(text)
        for span in result.spans:
            assert set(result.tags[span.start : span.stop]) == {span.tag}
            mean = expected[span.start : span.stop].max(axis=1).mean()
            assert span.probability == pytest.approx(mean, abs=1e-5)
        assert all(one.tag != other.tag for one, other in zip(result.spans, result.spans[1:], strict=False))


def test_spans_of_words_are_of_characters(labeller: Labeller) -> None:
    (result,) = labeller.tag("words", ["one two. two"]).results
    starts = {0: "one", 3: " ", 4: "two", 7: ".", 8: " ", 9: "two"}
    assert len(result.tags) == len(starts)
    assert {span.start for span in result.spans} <= set(starts) and result.spans[-1].stop == 12
    ids = [*WORDS.encode("one two. two"), len(WORDS)]
    assert list(result.tags) == [("no", "yes")[i] for i in log_softmax("words", ids)[1:].argmax(axis=1)]


def test_what_is_skipped_has_no_tag_and_ends_a_span(labeller: Labeller) -> None:
    (plain,) = labeller.tag("tagger", ["abcd"]).results
    (result,) = labeller.tag("tagger", ["?abÉ!cd-"], skip_unknown=True).results
    assert result.skipped == ((0, "?"), (3, "É"), (4, "!"), (7, "-"))
    assert list(result.tags) == [None, *plain.tags[:2], None, None, *plain.tags[2:], None]
    assert {1, 5} <= {span.start for span in result.spans} and {3, 7} <= {span.stop for span in result.spans}
    (words,) = labeller.tag("words", ["three one, two"], skip_unknown=True).results
    assert words.skipped == ((0, "three"), (9, ","))
    assert [tag is None for tag in words.tags] == [True, False, False, True, False, False]


def test_a_fault_in_one_of_the_texts_is_named_before_anything_is_computed(labeller: Labeller) -> None:
    for ask in (labeller.classify, labeller.tag):
        name = "classifier" if ask == labeller.classify else "tagger"
        with pytest.raises(ItemError, match=r"texts\[2\]: 1 character outside the vocabulary: '!' at 1") as raised:
            ask(name, ["a", "b", "c!", ""])
        assert isinstance(raised.value.error, UnknownCharactersError)
        for texts, skips in (["a", ""], False), (["a", "!?"], True):
            with pytest.raises(
                ItemError, match=r"texts\[1\]: .* at least 1 token that the model knows, not 0"
            ) as empty:
                ask(name, texts, skip_unknown=skips)
            assert isinstance(empty.value.error, RecordLengthError)
        with pytest.raises(ItemError, match=r"texts\[0\]: a record must have at most 100000 characters, not 100001"):
            ask(name, ["a" * 100_001])
    with pytest.raises(ReplyTooLargeError, match="tokens of all texts, must be at most 200"):
        labeller.tag("tagger", ["a" * 100, "b" * 101])


def test_another_task_is_refused(labeller: Labeller) -> None:
    for name, route in (("tagger", "/tag"), ("transducer", "/transduce"), ("records", "/generate"), ("text", "/gen")):
        with pytest.raises(WrongTaskError, match=f"ask POST {route}"):
            labeller.classify(name, ["a"])
    with pytest.raises(WrongTaskError, match="ask POST /classify"):
        labeller.tag("classifier", ["a"])
