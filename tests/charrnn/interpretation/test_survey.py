"""A network whose one cell was made to count is found out through the real engine, for characters and for words."""

from __future__ import annotations

import json
import random

import numpy as np
import pytest

from charrnn.config import ModelConfig
from charrnn.engine.cpu.batch import CpuEngine
from charrnn.interpretation.annotators import BY_SLUG
from charrnn.interpretation.delimiters import double_quotes
from charrnn.interpretation.survey import (
    MAX_KEPT,
    MIN_TOKENS,
    TooShortError,
    labels_of_texts,
    labels_of_tokens,
    most_characters,
    survey,
)
from charrnn.tasks.arrangement import Arrangement
from charrnn.vocabulary import Vocabulary
from charrnn.word_tokens import tokens
from charrnn.words import WordVocabulary
from tests.networks import WATCHING, quote_watcher

CLAUSES = [
    "he said ",
    "\u201cnot so\u201d ",
    "to her and\n",
    "went (as if he might) away, ",
    "\u201call this in\u201d ",
    "vain\n\n",
]
TEXT = "".join(random.Random(7).choices(CLAUSES, k=600))

VOCABULARIES: list[Vocabulary] = [Vocabulary.of([TEXT]), WordVocabulary.of([TEXT])]


@pytest.mark.parametrize("vocabulary", VOCABULARIES)
def test_the_cell_that_watches_quotes_is_found(vocabulary: Vocabulary) -> None:
    ids, network = vocabulary.encode(TEXT), quote_watcher(vocabulary)
    engine = CpuEngine(network, "float32")
    found = survey(engine, network.config, vocabulary, [ids], held_out=True)
    (cell,) = [each for each in found.cells if each.slug == "double-quotes"]
    assert (cell.layer, cell.unit, cell.part, cell.sign) == (0, WATCHING, "hidden", 1)
    assert cell.score > 0.99
    assert cell.chance < 0.95
    assert (found.characters, found.held_out) == (len(TEXT), True)
    slugs = [*(each.slug for each in found.cells), *(each.slug for each in found.not_found + found.undecided)]
    assert sorted(slugs) == sorted(BY_SLUG)
    assert found.as_dict()["cells"][0].keys() >= {"follows", "measure", "score", "chance", "layer", "unit", "part"}
    assert json.loads(json.dumps(found.as_dict())) == found.as_dict()


@pytest.mark.parametrize(
    "arrangement",
    [
        Arrangement("generate", "line", "\n"),
        Arrangement("generate", "line", "\n", ("x", "y")),
        Arrangement("classify", "line", "\n", ("x", "y", "z")),
        Arrangement("tag", "line", "\n", ("x", "y"), delay=3),
        Arrangement("transduce", "line", "\n"),
    ],
    ids=lambda arrangement: arrangement.task,
)
def test_records_are_read_and_labelled_by_themselves(arrangement: Arrangement) -> None:
    open_ended = ["\u201cnot so", "he said \u201cvain", "vain and so on", "away \u201cin\u201d it", "so to her"]
    texts = random.Random(3).choices(open_ended, k=400)
    tokens = Vocabulary.of(texts)
    network = quote_watcher(tokens, arrangement=arrangement)
    engine = CpuEngine(network, "float32")
    ids = [tokens.encode(text) for text in texts]
    found = survey(engine, network.config, network.vocabulary, ids, arrangement=arrangement, held_out=True)
    quotes = next(each for each in found.cells if each.slug == "double-quotes")
    assert (quotes.unit, quotes.sign) == (WATCHING, 1)
    assert quotes.score > 0.99, "what a record leaves open is closed at its end"
    assert quotes.share == pytest.approx(np.mean(np.concatenate(list(map(double_quotes, texts)))), abs=1e-3)
    assert found.characters == sum(map(len, texts))


def test_labels_of_texts_to_which_an_annotator_does_not_apply() -> None:
    formula = BY_SLUG["formula"]
    latex = r"\alpha " * 12 + "$x$"
    assert labels_of_texts(formula, ["abc", "de"]) is None
    labels = labels_of_texts(formula, ["abc", latex])
    assert labels is not None and labels.tolist() == [*[False] * 3, *formula.label(latex).tolist()]  # type: ignore[union-attr]


def test_a_text_that_is_too_short_is_refused() -> None:
    vocabulary = Vocabulary.of([TEXT])
    network = quote_watcher(vocabulary)
    engine = CpuEngine(network, "float32")
    with pytest.raises(TooShortError, match=f"{MIN_TOKENS} tokens are needed .* not {MIN_TOKENS - 1}"):
        survey(engine, network.config, vocabulary, [vocabulary.encode(TEXT)[: MIN_TOKENS - 1]], held_out=True)


def test_in_a_text_without_anything_to_follow_nothing_is_found() -> None:
    vocabulary = Vocabulary.of([TEXT])
    monotonous = vocabulary.encode("a" * MIN_TOKENS)
    network = quote_watcher(vocabulary)
    found = survey(CpuEngine(network, "float32"), network.config, vocabulary, [monotonous], held_out=False)
    assert (found.cells, found.not_found) == ((), ())
    assert sorted(each.slug for each in found.undecided) == sorted(BY_SLUG)


@pytest.mark.parametrize("after", [3, len(BY_SLUG) + 3], ids=["labels", "reading"])
def test_it_can_be_ended(after: int) -> None:
    vocabulary, asked = Vocabulary.of([TEXT]), []
    network = quote_watcher(vocabulary)
    engine = CpuEngine(network, "float32")

    def check() -> None:
        asked.append(1)
        if len(asked) == after:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        survey(
            engine,
            network.config,
            vocabulary,
            [vocabulary.encode(TEXT)],
            held_out=True,
            check=check,
        )


def test_a_words_label_is_that_of_its_end() -> None:
    said = tokens("say \u201cno no\u201d 12\n")
    assert "|".join(said) == "say| |\u201c|no| |no|\u201d| |1|2|\n"
    quotes = labels_of_tokens(BY_SLUG["double-quotes"], said)
    places = labels_of_tokens(BY_SLUG["line-position"], said)
    assert quotes is not None
    assert places is not None
    assert np.flatnonzero(quotes).tolist() == [2, 3, 4, 5]
    assert places.tolist() == [3, 4, 5, 7, 8, 10, 11, 12, 13, 14, 0]


def test_a_large_network_is_searched_along_less() -> None:
    assert most_characters(ModelConfig(5, cell="rnn", hidden_size=5)) == 320_000
    assert MIN_TOKENS < most_characters(ModelConfig(100, hidden_size=1024, layers=3)) < 40_000


def test_of_a_long_text_some_characters_are_kept_and_the_cell_is_found_wherever_it_is_cut() -> None:
    text = "".join(random.Random(9).choices(CLAUSES, k=6_000))
    vocabulary = Vocabulary.of([text])
    network = quote_watcher(vocabulary)
    engine = CpuEngine(network, "float32")
    assert len(text) > 60_000 >= 3 * MAX_KEPT
    for passages in (
        [text],
        [text[7:30_000], text[35_000:60_000]],
        [text[i : i + 900] for i in range(0, 60_000, 1_000)],
    ):
        ids = [vocabulary.encode(each) for each in passages]
        annotators = [BY_SLUG["double-quotes"]]
        found = survey(engine, network.config, vocabulary, ids, held_out=True, annotators=annotators)
        (cell,) = found.cells
        assert (cell.unit, cell.sign) == (WATCHING, 1)
        assert cell.score > 0.98
        assert found.characters == sum(map(len, passages))
