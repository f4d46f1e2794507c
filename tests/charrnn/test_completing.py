"""What the search finds is what comes out when every text is written down, cut where generation would end it, and the
probabilities of equal texts are summed up."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.checkpoint import Checkpoint
from charrnn.completing import MOST_NODES, Completions, CompletionSearch
from charrnn.endings import Until
from charrnn.engine.base import Engine
from charrnn.engine.cpu.batch import CpuEngine
from charrnn.engine.gpu.reference import ReferenceEngine
from charrnn.engine.refilled import state_after
from charrnn.patterns.automaton import NONE, Automaton
from charrnn.stopping import Detokenizer
from charrnn.tasks.arrangement import Arrangement
from charrnn.vocabulary import Ids, Vocabulary
from charrnn.words import WordVocabulary
from tests.laws import examples
from tests.networks import random_network, with_counts

LENGTH = 4
ALL = 20
RECORDS = Arrangement("generate", "line", "\n")
CHARACTERS = Vocabulary("\n ab")
WORDS = WordVocabulary.of(["ab ab a a\n"])

NETWORKS: dict[str, Callable[[], Checkpoint]] = {
    "characters": lambda: random_network(CHARACTERS, "gru", 9),
    "counts": lambda: with_counts(random_network(CHARACTERS, "lstm", 9)),
    "records": lambda: random_network(CHARACTERS, "lstm", 9, arrangement=RECORDS),
    "words": lambda: random_network(WORDS, "rnn", 9),
    "records of words": lambda: random_network(WORDS, "gru", 9, arrangement=RECORDS),
}
UNTIL = [
    *[(" ", "\n"), (), ("a",), ("ab",), ("ab", "b"), ("aab", "ac", "ab"), ("\n\n",), ("aa", " "), (" a b", "a", "b ")],
    ("x",),
]


def found(
    checkpoint: Checkpoint,
    engine: Engine,
    prompt: Ids,
    until: tuple[str, ...],
    n: int = ALL,
    length: int = LENGTH,
    automaton: Automaton | None = None,
) -> Completions:
    vocabulary = checkpoint.vocabulary
    barred = [each for each in (vocabulary.unknown_id, vocabulary.end_id) if each is not None]
    tokens = Until(vocabulary.tokens_of(range(checkpoint.config.outputs)), until, barred)
    search = CompletionSearch(n, length, tokens, vocabulary.end_id, vocabulary.following, automaton)
    state = state_after(engine, prompt)
    return search.search(engine.tree(state, search.most_nodes), state.recent.tolist())


def every(
    checkpoint: Checkpoint, engine: Engine, prompt: Ids, until: tuple[str, ...], automaton: Automaton | None = None
) -> dict[str, dict[str, float]]:
    """The probabilities of all completions, by reason to finish: all sequences of LENGTH ids, cut where they end."""
    vocabulary, texts = checkpoint.vocabulary, defaultdict[str, dict[str, float]](lambda: defaultdict(float))
    tree = engine.tree(state_after(engine, prompt), 3000)

    def write(node: int, ids: list[int], probability: float, row: np.ndarray, state: int) -> None:
        choosable = None if automaton is None else automaton.choosable(state, LENGTH - len(ids))
        may_end = automaton is None or automaton.may_end(state)
        text = vocabulary.decode(ids)
        if len(ids) == LENGTH:
            texts[text]["length"] += probability
            return
        mask = (
            None
            if vocabulary.following is None
            else vocabulary.following.mask(np.array([*prompt.tolist(), *ids][-2:], np.int32))
        )
        for id_, logprob in enumerate(row):
            here = probability * math.exp(logprob)
            if id_ == vocabulary.unknown_id or (mask is not None and mask[id_] < 0):
                continue
            if id_ == vocabulary.end_id or (choosable is not None and not choosable[id_]):
                if may_end:
                    texts[text]["end" if id_ == vocabulary.end_id else "stop"] += here
                continue
            detokenizer = Detokenizer(vocabulary, until)
            passed = detokenizer.feed(np.array([*ids, id_], np.int32))
            if detokenizer.stopped:
                if automaton is None or _fits(automaton, vocabulary, passed):
                    texts[passed]["stop"] += here
                continue
            (rows,) = tree.grow([node], [id_])
            write(len(tree) - 1, [*ids, id_], here, rows, 0 if automaton is None else automaton.after(state, [id_]))

    (row,) = tree.grow([0], [int(prompt[-1])])
    write(1, [], 1.0, row, 0)
    return texts


def _fits(automaton: Automaton, vocabulary: Vocabulary, text: str) -> bool:
    try:
        return automaton.may_end(automaton.after(0, vocabulary.encode(text).tolist()))
    except ValueError:
        return False


def check(completions: Completions, texts: dict[str, dict[str, float]], n: int = ALL) -> None:
    total = {text: sum(ways.values()) for text, ways in texts.items()}
    best = sorted((p for p in total.values() if p > 0), reverse=True)[:n]
    assert len({each.text for each in completions.found}) == len(completions.found) == len(best)
    probabilities = [math.exp(each.logprob) for each in completions.found]
    np.testing.assert_allclose(probabilities, best, rtol=2e-5)
    for each, probability in zip(completions.found, probabilities, strict=True):
        assert probability == pytest.approx(total[each.text], rel=2e-5)
        ways = texts[each.text]
        assert ways[each.finish_reason] == pytest.approx(max(ways.values()), rel=1e-5)


@pytest.mark.parametrize("until", UNTIL, ids=repr)
@pytest.mark.parametrize("name", NETWORKS)
def test_it_is_what_every_text_says(name: str, until: tuple[str, ...]) -> None:
    checkpoint = NETWORKS[name]()
    engine, vocabulary = CpuEngine(checkpoint), checkpoint.vocabulary
    prompt = vocabulary.encode("a a")
    texts = every(checkpoint, engine, prompt, until)
    completions = found(checkpoint, engine, prompt, until)
    check(completions, texts)
    assert completions.exact != Until(vocabulary.tokens_of(range(len(vocabulary))), until).cuts_tokens
    if vocabulary.following is None:
        assert math.fsum(sum(ways.values()) for ways in texts.values()) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("n", [1, 3, 10_000])
def test_any_number_of_them_with_the_same_first_ones(n: int) -> None:
    checkpoint = NETWORKS["characters"]()
    engine, prompt = CpuEngine(checkpoint), checkpoint.vocabulary.encode("b")
    texts = every(checkpoint, engine, prompt, ("\n", " "))
    completions = found(checkpoint, engine, prompt, ("\n", " "), n)
    check(completions, texts, n)
    assert completions.exact
    assert completions.found == found(checkpoint, engine, prompt, ("\n", " "), 10_000).found[:n]


def test_one_token() -> None:
    checkpoint = NETWORKS["records"]()
    engine, prompt = CpuEngine(checkpoint), checkpoint.vocabulary.encode("b")
    completions = found(checkpoint, engine, prompt, (" ",), length=1)
    reasons = {each.text: each.finish_reason for each in completions.found}
    assert reasons.keys() == {"", "\n", "a", "b"} and reasons["a"] == "length"
    assert math.fsum(math.exp(each.logprob) for each in completions.found) == pytest.approx(1, abs=1e-6)


# (a|b)*ab: states are what of the end has been seen; classes are "a", "b" and the others.
A_THEN_B = np.array([[1, 0, NONE], [1, 2, NONE], [1, 0, NONE]], dtype=np.int32)


@pytest.mark.parametrize("until", [(), (" ",), ("a",), ("ba",), ("\n\n",)], ids=repr)
@pytest.mark.parametrize("name", ["characters", "records"])
def test_only_what_fits(name: str, until: tuple[str, ...]) -> None:
    checkpoint = NETWORKS[name]()
    engine, vocabulary = CpuEngine(checkpoint), checkpoint.vocabulary
    classes = [{"a": 0, "b": 1}.get(token, 2) for token in vocabulary.tokens_of(range(len(vocabulary)))]
    automaton = Automaton(A_THEN_B, np.array(classes, dtype=np.int32), np.array([2, 1, 0], dtype=np.int32))
    prompt = vocabulary.encode("b")
    texts = every(checkpoint, engine, prompt, until, automaton)
    completions = found(checkpoint, engine, prompt, until, automaton=automaton)
    check(completions, texts)
    assert completions.exact and all(each.text.endswith("ab") for each in completions.found)


def test_where_nothing_can_follow_it_ends() -> None:
    checkpoint = NETWORKS["characters"]()
    following = np.array([[1, NONE], [NONE, NONE]], dtype=np.int32)
    classes = np.array([0 if token == "a" else 1 for token in "\n ab"], dtype=np.int32)
    only_a = Automaton(following, classes, np.array([1, 0], dtype=np.int32))
    prompt = checkpoint.vocabulary.encode("b")
    engine = CpuEngine(checkpoint)
    (one,) = found(checkpoint, engine, prompt, (), automaton=only_a).found
    (row,) = engine.tree(state_after(engine, prompt), 2).grow([0], [int(prompt[-1])])
    assert (one.text, one.finish_reason) == ("a", "stop") and one.logprob == pytest.approx(float(row[2]))


@examples(12)
@given(st.text("\n ab", min_size=1, max_size=9), st.sets(st.text("\n ab", min_size=1, max_size=3), max_size=4))
def test_engines_agree(text: str, until: set[str]) -> None:
    checkpoint = NETWORKS["counts"]()
    prompt, strings = checkpoint.vocabulary.encode(text), tuple(sorted(until))
    packed, reference = (
        found(checkpoint, engine, prompt, strings)
        for engine in (CpuEngine(checkpoint, "float32"), ReferenceEngine(checkpoint))
    )
    assert packed.exact and reference.exact
    ours, theirs = ([each.logprob for each in one.found] for one in (packed, reference))
    np.testing.assert_allclose(ours, theirs, atol=1e-3)


def test_a_search_that_proves_nothing_has_whole_texts_all_the_same() -> None:
    tokens = Vocabulary("".join(chr(0x4E00 + i) for i in range(90)))
    checkpoint = random_network(tokens, "gru", 8)
    engine = CpuEngine(checkpoint)
    completions = found(checkpoint, engine, tokens.encode(tokens.characters[:3]), (), 20, 50)
    assert not completions.exact and len(completions.found) == 20
    assert {(len(each.text), each.finish_reason) for each in completions.found} == {(50, "length")}
    assert len({each.text for each in completions.found}) == 20
    assert [each.logprob for each in completions.found] == sorted((e.logprob for e in completions.found), reverse=True)
    assert completions.nodes <= CompletionSearch(20, 50, Until(tokens.characters, ())).most_nodes
    assert completions == found(checkpoint, engine, tokens.encode(tokens.characters[:3]), (), 20, 50)


def test_bounds() -> None:
    until = Until("ab", ())
    with pytest.raises(ValueError, match="n and length must be at least 1, not 0 and 5"):
        CompletionSearch(0, 5, until)
    assert CompletionSearch(1, 1, until).most_nodes > MOST_NODES
