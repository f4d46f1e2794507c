"""Defaults by the size of the text and the budget."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.config import CELLS, Cell, ModelConfig
from charrnn.tasks.record import TASKS, TaskName
from charrnn.training.config import Budget, TrainingConfig
from charrnn.training.defaults import (
    MAX_DROPOUT,
    MAX_EPOCHS,
    MAX_VALIDATION,
    MIN_EPOCHS,
    RECORD_DROPOUTS,
    TIED_FROM,
    defaults_for,
    most_epochs,
    record_defaults,
    ties_output,
)

STEP = ("segment_length", "batch_size")
BUDGETS = st.one_of(
    st.floats(0.01, 1000).map(lambda minutes: Budget(minutes=minutes)),
    st.floats(0.01, 1000).map(lambda epochs: Budget(epochs=epochs)),
    st.integers(1, 10**7).map(lambda steps: Budget(steps=steps)),
)


@given(st.integers(2, 300_000_000), st.integers(1, 100_000), BUDGETS)
def test_they_are_always_within_bounds_and_fit_the_text(characters: int, vocabulary_size: int, budget: Budget) -> None:
    model, training = defaults_for(characters, vocabulary_size, budget)
    ModelConfig(vocabulary_size, **model)
    chosen = TrainingConfig(budget, **training)
    assert chosen.segment_length < characters
    assert characters * chosen.validation_fraction <= MAX_VALIDATION + 1


@pytest.mark.parametrize("budget", [Budget(minutes=5), Budget(epochs=5)])
def test_more_text_has_more_units(budget: Budget) -> None:
    sizes = [defaults_for(10**power, 96, budget)[0]["hidden_size"] for power in range(3, 9)]
    assert sizes == sorted(sizes) and sizes[0] < sizes[-1]


def test_more_time_has_more_units_and_more_repetitions_more_dropout() -> None:
    chosen = [defaults_for(1_100_000, 65, Budget(minutes=minutes)) for minutes in (0.2, 1.5, 5, 60)]
    assert [model["hidden_size"] for model, _ in chosen] == sorted(model["hidden_size"] for model, _ in chosen)
    assert chosen[0][0]["hidden_size"] < chosen[-1][0]["hidden_size"]
    assert [training["dropout"] for _, training in chosen] == sorted(training["dropout"] for _, training in chosen)
    assert chosen[0][1]["dropout"] < chosen[-1][1]["dropout"]


@pytest.mark.parametrize("cell", CELLS)
@given(
    st.integers(10_000, 10_000_000),
    st.sampled_from((64, 128, 256, 384, 512)),
    st.floats(0.1, 100),
    st.floats(1, 1.02),
)
def test_a_slightly_faster_machine_trains_with_slightly_different_settings(
    cell: Cell, tokens: int, hidden_size: int, minutes: float, faster: float
) -> None:
    chosen = {"cell": cell, "hidden_size": hidden_size}
    one, other = (defaults_for(tokens, 65, Budget(minutes=minutes * factor), chosen)[1] for factor in (1, faster))
    assert abs(one["dropout"] - other["dropout"]) <= 0.01
    assert other["weight_decay"] == pytest.approx(one["weight_decay"], rel=0.1)
    assert other["learning_rate"] == pytest.approx(one["learning_rate"], rel=0.02)


def test_what_is_chosen_stands_and_the_rest_suits_it() -> None:
    chosen = {"hidden_size": 1280, "layers": 2, "dropout": 0.35, "seed": 7, "segment_length": 100}
    model, training = defaults_for(1_100_000, 65, Budget(minutes=5), chosen)
    assert {**model, **training}.items() >= chosen.items()
    usual = defaults_for(1_100_000, 65, Budget(minutes=5))
    assert training["learning_rate"] < usual[1]["learning_rate"] / 2
    assert set(model) == set(usual[0]) and set(training) == set(usual[1])


def test_more_minutes_than_a_network_can_use_are_for_a_larger_one() -> None:
    (size, training), (larger, _) = (defaults_for(60_000, 65, Budget(minutes=minutes)) for minutes in (0.2, 5))
    assert size["hidden_size"] < larger["hidden_size"] <= 384
    assert defaults_for(5_000, 65, Budget(minutes=60))[0]["hidden_size"] == 128, "unless there is next to no text"
    assert training["dropout"] > 0


@given(st.integers(1, 10**9), st.integers(8, 4096), st.sampled_from(CELLS))
def test_a_larger_network_is_trained_for_fewer_passes(tokens: int, hidden_size: int, cell: Cell) -> None:
    passes = most_epochs(tokens, hidden_size, cell)
    assert MIN_EPOCHS <= most_epochs(tokens, 2 * hidden_size, cell) <= passes <= MAX_EPOCHS
    assert passes <= most_epochs(2 * tokens, hidden_size, cell)


def test_a_network_that_is_small_for_its_text_has_little_dropout_however_long_it_reads() -> None:
    found = {
        size: defaults_for(1_115_394, 65, Budget(minutes=60), {"hidden_size": size})[1]["dropout"]
        for size in (128, 256, 384, 512)
    }
    assert found == {128: 0.2, 256: 0.2, 384: 0.3, 512: MAX_DROPOUT}
    assert defaults_for(20_000, 65, Budget(minutes=60), {"hidden_size": 128})[1]["dropout"] == MAX_DROPOUT


def test_a_vanilla_network_needs_no_dropout_where_an_lstm_does() -> None:
    dropouts = [
        defaults_for(1_100_000, 65, Budget(minutes=2), {"cell": cell, "hidden_size": 256})[1]["dropout"]
        for cell in ("rnn", "lstm")
    ]
    assert dropouts[0] == 0 < dropouts[1]


def test_the_vanilla_cell_takes_smaller_steps() -> None:
    rates = [
        defaults_for(1_100_000, 65, Budget(minutes=1), {"cell": cell, "hidden_size": 256})[1]["learning_rate"]
        for cell in ("rnn", "lstm")
    ]
    assert rates[0] < rates[1]


def test_short_budgets_and_large_vocabularies_hold_less_out() -> None:
    shares = [
        defaults_for(10_000_000, size, Budget(minutes=minutes))[1]["validation_fraction"]
        for minutes, size in ((100, 100), (0.2, 100), (0.2, 50_000))
    ]
    assert shares == sorted(shares, reverse=True) and len(set(shares)) == 3
    usual = defaults_for(1_115_394, 65, Budget(minutes=1))[1]
    assert usual["validation_fraction"] == 0.1


@given(
    st.sampled_from(TASKS), st.lists(st.integers(1, 100_000), min_size=1, max_size=50), st.integers(2, 1000), BUDGETS
)
def test_those_for_records_are_always_within_bounds(
    task: TaskName, lengths: list[int], vocabulary_size: int, budget: Budget
) -> None:
    model, training = record_defaults(task, np.array(lengths), vocabulary_size, budget)
    ModelConfig(vocabulary_size, **model)
    TrainingConfig(budget, **training)


@pytest.mark.parametrize(("task", "most"), RECORD_DROPOUTS.items())
def test_records_are_regularized_less_than_a_text_unless_it_is_chosen_otherwise(task: TaskName, most: float) -> None:
    lengths = np.full(10_000, 20)
    asked = Budget(minutes=5)
    assert defaults_for(int(lengths.sum()), 80, asked)[1]["dropout"] > most
    _, training = record_defaults(task, lengths, 80, asked)
    assert (training["dropout"], training["weight_decay"]) == (most, 0.01)
    _, training = record_defaults(task, np.full(1_000_000, 20), 80, asked)
    assert training["dropout"] == 0
    model, training = record_defaults(task, lengths, 80, asked, {"layers": 3, "dropout": 0.4, "weight_decay": 0.2})
    assert (model["layers"], training["dropout"], training["weight_decay"]) == (3, 0.4, 0.2)


def test_a_classifier_has_more_units_only_if_there_is_time_for_several_epochs() -> None:
    lengths = np.full(30_000, 60)
    units = [
        record_defaults("classify", lengths, 120, Budget(minutes=m))[0]["hidden_size"] for m in (0.01, 1, 3, 5, 60)
    ]
    assert units == sorted(units) and units[1] == 128 and units[-1] == 384
    assert record_defaults("classify", lengths, 120, Budget(epochs=5))[0]["hidden_size"] == 384
    assert record_defaults("classify", lengths, 120, Budget(minutes=1), {"hidden_size": 512})[0]["hidden_size"] == 512


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (ModelConfig(TIED_FROM, embedding_size=5), True),
        (ModelConfig(TIED_FROM - 1, embedding_size=5), False),
        (ModelConfig(TIED_FROM), False),
        (ModelConfig(TIED_FROM, embedding_size=5, output_size=12), False),
    ],
)
def test_only_large_vocabularies_are_tied(config: ModelConfig, expected: bool) -> None:
    assert ties_output(config) == expected


@pytest.mark.parametrize("budget", [Budget(minutes=0.05), Budget(minutes=0.1), Budget(epochs=2)])
def test_little_reading_is_done_in_small_steps(budget: Budget) -> None:
    _, little = defaults_for(1_000_000, 90, budget)
    _, much = defaults_for(1_000_000, 90, Budget(minutes=60))
    assert little["segment_length"] * little["batch_size"] < much["segment_length"] * much["batch_size"] == 64 * 32


def test_a_given_number_of_steps_has_usual_ones_and_what_is_given_stays() -> None:
    assert [defaults_for(1_000_000, 90, Budget(steps=300))[1][name] for name in STEP] == [64, 32]
    given = {"segment_length": 100, "batch_size": 3}
    assert [defaults_for(1_000_000, 90, Budget(minutes=1), given)[1][name] for name in STEP] == [100, 3]
