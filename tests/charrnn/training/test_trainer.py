"""Training runs from the outside: what they reach, what they say, and that nothing that interrupts them shows."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from charrnn.checkpoint import load
from charrnn.config import CELLS, Cell, ModelConfig
from charrnn.engine.base import Sequence
from charrnn.engine.gpu.reference import ReferenceEngine
from charrnn.model import CharRNN
from charrnn.sampling import SamplingParams
from charrnn.torch_threads import one_thread
from charrnn.training.config import Budget, TrainingConfig, ValidationSplit
from charrnn.training.data import TrainingText
from charrnn.training.defaults import MAX_EPOCHS
from charrnn.training.evaluation import evaluate
from charrnn.training.keeping import ENOUGH, RETRIES, DivergedError
from charrnn.training.progress import Progress
from charrnn.training.state import TrainingState, TrainingStateError
from charrnn.training.trainer import Trainer
from charrnn.vocabulary import Vocabulary
from tests.charrnn.training.brief import SAMPLE_LENGTH, Clock, brief

TEXT = "".join(f"{n} bottles of beer on the wall, {n} bottles of beer.\n" for n in range(60))
VOCABULARY = Vocabulary.of([TEXT])
IDS = VOCABULARY.encode(TEXT).astype(np.uint8)
CONFIG = ModelConfig(len(VOCABULARY), "lstm", hidden_size=16, layers=2, embedding_size=8)
TRAINING = TrainingConfig(Budget(steps=60), segment_length=16, batch_size=8, dropout=0.2, seed=3)
QUICK = replace(CONFIG, cell="rnn", layers=1)
"""A network whose steps take little, where what counts is how many there are."""
LONGER = replace(TRAINING, budget=Budget(steps=200), dropout=0.0, learning_rate=0.02)
CORPUS = {"name": "bottles", "sha256": "0" * 64}
BOTTLES = TrainingText(IDS, VOCABULARY, CORPUS)


def trainer(
    training: TrainingConfig = TRAINING, config: ModelConfig = CONFIG, state: TrainingState | None = None
) -> Trainer:
    return brief(config, training, BOTTLES, state=state, clock=Clock())


def run(training: Trainer) -> list[Progress]:
    return list(training.run())


@pytest.mark.parametrize("cell", CELLS)
def test_the_articles_example(cell: Cell) -> None:
    hello = Vocabulary("ehlo")
    training = TrainingConfig(Budget(steps=75), segment_length=4, learning_rate=0.05)
    spelling = brief(ModelConfig(4, cell, hidden_size=8), training, TrainingText(hello.encode("hello"), hello))
    for _ in spelling.run():
        pass
    checkpoint = spelling.checkpoint()
    assert checkpoint.record.validation_loss is None  # five characters leave nothing to hold out
    batch = ReferenceEngine(checkpoint).batch(1)
    batch.add(Sequence(hello.encode("h"), 4, SamplingParams(temperature=0)))
    assert hello.decode(batch.step(9)[0].ids) == "ello"


def test_it_learns_and_keeps_the_best(learned: tuple[Trainer, list[Progress]]) -> None:
    bottles, reports = learned
    losses = [report.validation_loss for report in reports if report.validation_loss is not None]
    assert losses[0] == pytest.approx(math.log(len(VOCABULARY)), abs=0.3)
    assert min(losses) < 0.7
    checkpoint = bottles.checkpoint()
    assert checkpoint.record.validation_loss == min(losses)
    assert checkpoint.record.bits_per_character == pytest.approx(min(losses) / math.log(2))
    best = min(checkpoint.record.json["evaluations"], key=lambda evaluation: evaluation["validation_loss"])
    assert checkpoint.record.json["best_step"] == best["step"]


@pytest.fixture(scope="module")
def finished() -> tuple[Trainer, list[Progress]]:
    """A run that nothing interrupted, and all that it reported."""
    with one_thread():
        bottles = trainer()
        return bottles, run(bottles)


@pytest.fixture(scope="module")
def reports(finished: tuple[Trainer, list[Progress]]) -> list[Progress]:
    return finished[1]


@pytest.fixture(scope="module")
def uninterrupted(finished: tuple[Trainer, list[Progress]]) -> bytes:
    return finished[0].checkpoint().to_bytes()


@pytest.fixture(scope="module")
def learned() -> tuple[Trainer, list[Progress]]:
    """A longer run, after which the network knows its text, and all that it reported."""
    with one_thread():
        bottles = trainer(LONGER)
        return bottles, run(bottles)


@pytest.mark.parametrize("cuts", [[1], [1, 2, 3], [9, 24, 25, 59], [60]])
def test_an_interrupted_run_ends_with_the_same_bytes(cuts: list[int], uninterrupted: bytes) -> None:
    state = None
    for cut in cuts:
        part = brief(CONFIG, TRAINING, BOTTLES, state=state, clock=Clock(1.0))
        stopped = next(p for p in part.run() if p.step == cut)  # with this clock there is a report after each step
        assert stopped.step == cut
        state = TrainingState.from_bytes(part.state().to_bytes())
        torch.rand(cut)  # what others do with torch's random numbers is nothing to a run
    last = trainer(state=state)
    run(last)
    assert last.checkpoint().to_bytes() == uninterrupted


def test_a_run_left_inside_an_evaluation_goes_on_as_exactly(uninterrupted: bytes) -> None:
    part = brief(CONFIG, TRAINING, BOTTLES, clock=Clock(1.0))
    reports = itertools.groupby(part.run(), key=lambda report: report.step)
    inside = next(first for first in (next(group) for step, group in reports if step == 30))
    assert inside.step == 30 and inside.samples == ()
    state = part.state()
    for goes_on in (part, trainer(state=state)):
        run(goes_on)
        assert goes_on.checkpoint().to_bytes() == uninterrupted


def test_a_gradient_step_in_bfloat16_in_two_parts_resumes_as_exactly(one_thread: None) -> None:
    torch.set_num_threads(2)
    wide = replace(CONFIG, hidden_size=256, layers=1)
    short = replace(TRAINING, budget=Budget(steps=6), batch_size=16)
    whole = trainer(short, wide)
    run(whole)
    part = brief(wide, short, BOTTLES, clock=Clock(1.0))
    next(p for p in part.run() if p.step == 3)
    rest = trainer(short, wide, TrainingState.from_bytes(part.state().to_bytes()))
    run(rest)
    assert rest.checkpoint().to_bytes() == whole.checkpoint().to_bytes()


def test_a_network_with_a_large_vocabulary_resumes_as_exactly() -> None:
    text = "".join(chr(0x4E00 + n * 7919 % 1_200) for n in range(3_000))
    vocabulary = Vocabulary.of([text])
    source = TrainingText(vocabulary.encode(text), vocabulary)
    config = ModelConfig(len(vocabulary), hidden_size=8, embedding_size=4)
    short = replace(TRAINING, budget=Budget(steps=6))
    whole, part = (brief(config, short, source, clock=Clock(1.0)) for _ in range(2))
    run(whole)
    next(p for p in part.run() if p.step == 3)
    state = TrainingState.from_bytes(part.state().to_bytes())
    assert "model/output.projection" in state.tensors  # the output layer is tied
    rest = brief(config, short, source, state=state, clock=Clock(1.0))
    run(rest)
    assert rest.checkpoint().to_bytes() == whole.checkpoint().to_bytes()
    assert set(rest.checkpoint().weights) == set(config.shapes())


def test_a_state_is_a_copy_and_the_run_goes_on_from_where_the_loop_was_left(uninterrupted: bytes) -> None:
    whole = trainer()
    next(iter(whole.run()))
    before = whole.state().to_bytes()
    state = whole.state()
    run(whole)
    assert state.to_bytes() == before
    assert whole.checkpoint().to_bytes() == uninterrupted


def test_another_seed_is_another_run() -> None:
    runs = [trainer(replace(TRAINING, seed=seed, budget=Budget(steps=2))) for seed in (3, 3, 4)]
    for each in runs:
        run(each)
    one, same, other = (each.checkpoint().weights["output.weight"].tobytes() for each in runs)
    assert one == same != other


def test_a_finished_run_has_nothing_left_to_say(finished: tuple[Trainer, list[Progress]], uninterrupted: bytes) -> None:
    again = trainer(state=finished[0].state())
    assert again.finished and run(again) == []
    assert again.checkpoint().to_bytes() == uninterrupted


@pytest.mark.parametrize(
    ("training", "config", "field"),
    [
        (replace(TRAINING, seed=4), CONFIG, "training"),
        (replace(TRAINING, budget=Budget(steps=61)), CONFIG, "training"),
        (TRAINING, replace(CONFIG, hidden_size=17), "config"),
    ],
)
def test_another_runs_state_is_refused(training: TrainingConfig, config: ModelConfig, field: str) -> None:
    state = trainer().state()
    with pytest.raises(TrainingStateError, match=f"another run's: {field} differs"):
        trainer(training, config, state)


def test_another_texts_state_is_refused() -> None:
    state = trainer().state()
    with pytest.raises(TrainingStateError, match="another run's: characters differs"):
        brief(CONFIG, TRAINING, replace(BOTTLES, ids=IDS[:-1]), state=state)
    with pytest.raises(TrainingStateError, match="another run's: corpus differs"):
        brief(CONFIG, TRAINING, replace(BOTTLES, corpus={"name": "other"}), state=state)


@pytest.mark.parametrize(("budget", "steps", "epochs"), [(Budget(epochs=2), 54, 2.0), (Budget(steps=27), 27, 1.0)])
def test_a_budget_is_exact(budget: Budget, steps: int, epochs: float) -> None:
    bottles = trainer(replace(TRAINING, budget=budget, segment_length=13, validation_split="end"))
    characters = len(IDS) - math.ceil(len(IDS) * 0.1)
    assert steps / epochs == math.ceil(math.ceil((characters - 1) / 8) / 13)
    last = run(bottles)[-1]
    assert (last.step, last.steps, last.fraction, last.seconds_left) == (steps, steps, 1.0, 0.0)
    assert last.characters == epochs * (characters - 1)
    assert bottles.checkpoint().record.epochs == epochs


def on(clock: Clock, state: TrainingState | None = None, minutes: float = 1) -> Trainer:
    return brief(QUICK, replace(TRAINING, budget=Budget(minutes=minutes)), BOTTLES, clock=clock, state=state)


def test_a_budget_in_minutes_becomes_steps_and_stays_with_them_on_a_steady_machine() -> None:
    first = on(Clock(0.3))
    reports = run(first)
    assert reports[0].steps is None and reports[0].fraction == 0.0 and reports[0].seconds_left is None
    (fixed,) = {report.steps for report in reports if report.steps is not None}
    assert reports[-1].step == fixed and reports[-1].fraction == 1.0 and reports[-1].seconds_left == 0.0
    assert reports[-1].seconds == pytest.approx(60.0, rel=0.1)
    assert first.checkpoint().record.json["replanned"] == []
    part = on(Clock(0.3))
    next(p for p in part.run() if p.steps is not None)
    rest = on(Clock(0.3), part.state())
    run(rest)
    assert rest.checkpoint().to_bytes() == first.checkpoint().to_bytes()


@pytest.mark.parametrize("change", [3, 0.3])
def test_the_number_of_steps_is_set_anew_where_the_machine_becomes_busy_or_idle(change: float) -> None:
    clock = Clock(0.3)
    whole, reports, states = on(clock, minutes=0.5), [], []
    for report in whole.run():
        reports.append(report)
        if report.fraction > 0.4:
            clock.seconds = 0.3 * change
            states.append(whole.state())
    assert reports[-1].seconds == pytest.approx(30.0, rel=0.1)
    assert [report.fraction for report in reports] == sorted(report.fraction for report in reports)
    record = whole.checkpoint().record.json
    last = record["replanned"][-1]
    assert last["steps_total"] == record["steps_total"] == record["steps"]
    set_anew = next(report.steps for report in reports if report.step > last["step"])
    assert set_anew == record["steps_total"]
    # From the same plan the rest is the same, whatever the steps take.
    state = next(state for state in states if state.position.step > last["step"])
    rest = on(clock, TrainingState.from_bytes(state.to_bytes()), minutes=0.5)
    run(rest)
    assert rest.checkpoint().to_bytes() == whole.checkpoint().to_bytes()


def test_time_that_the_caller_spends_for_the_training_is_counted() -> None:
    saving, seconds = on(Clock(0.3)), []
    for report in saving.run():
        saving.spent(1)
        seconds.append(report.seconds)
    assert seconds[-1] == pytest.approx(60.0, rel=0.1)


def test_time_spent_elsewhere_is_not_counted() -> None:
    now = [0.0]

    def clock() -> float:
        now[0] += 0.1
        return now[0]

    bottles = brief(CONFIG, replace(TRAINING, budget=Budget(steps=10)), BOTTLES, clock=clock)
    spent = []
    for report in bottles.run():
        spent.append(report.seconds)
        now[0] += 1000
    assert 0 < spent[-1] < 60


def test_reports_between_evaluations_come_often_and_say_how_it_goes() -> None:
    reports = run(brief(CONFIG, TRAINING, BOTTLES, clock=Clock(1.0)))
    between = [report for report in reports if report.loss is not None and not report.samples]
    assert between
    for report in between:
        assert report.loss is not None and math.isfinite(report.loss)
        assert report.characters_per_second and report.gradient_norm > 0 and report.learning_rate > 0
        assert report.validation_loss is None and report.bits_per_character is None
    assert [report.step for report in reports] == sorted(report.step for report in reports)


def test_samples_have_the_same_prompts_and_seeds_throughout(reports: list[Progress]) -> None:
    sampled = [report for report in reports if report.samples]
    first, last = sampled[0].samples, sampled[-1].samples
    assert [(s.prompt, s.seed) for s in first] == [(s.prompt, s.seed) for s in last]
    assert first[0].prompt == TEXT[0]
    assert all(len(sample.text) == SAMPLE_LENGTH for sample in last)
    assert [s.text for s in first] != [s.text for s in last]


def test_samples_are_long_enough_to_be_judged() -> None:
    first = next(Trainer(QUICK, TRAINING, BOTTLES).run())
    assert [len(sample.text) for sample in first.samples] == [200] * 3


def test_there_are_samples_early_on_without_an_evaluation(reports: list[Progress]) -> None:
    sampled = [report for report in reports if report.samples]
    assert [report.step for report in sampled if not report.evaluated] == [1, 3, 12]  # 1%, 5% and 20% of 60
    assert [report.step for report in sampled if report.evaluated] == [0, 10, 20, 30, 40, 50, 60]
    assert len({report.step for report in sampled}) == len(sampled)


def test_every_evaluation_measures_the_gradient_of_each_layer_back_through_a_segment(reports: list[Progress]) -> None:
    for report in reports:
        if report.evaluated:
            assert [len(layer) for layer in report.gradient_norms] == [TRAINING.segment_length + 1] * CONFIG.layers
            assert all(norm > 0 for norm in report.gradient_norms[-1])
        else:
            assert report.gradient_norms == ()


def test_the_record_is_plain_json_without_times(tmp_path_factory: pytest.TempPathFactory, uninterrupted: bytes) -> None:
    path = tmp_path_factory.mktemp("checkpoint") / "c.safetensors"
    path.write_bytes(uninterrupted)
    record = load(path).record.json
    assert record["corpus"] == CORPUS
    assert record["training"] == TRAINING.as_dict()
    assert record["characters"] == {"training": len(IDS) - 310, "validation": 310}
    assert (record["steps"], record["steps_total"], record["retries"]) == (60, 60, 0)
    assert record["evaluations"][0]["step"] == 0 and record["evaluations"][-1]["step"] == 60
    assert not [key for key in record if "second" in key or "time" in key]


def test_the_record_has_the_gradients_of_the_first_network_and_of_the_one_that_is_kept() -> None:
    bottles = trainer(replace(TRAINING, budget=Budget(steps=20)))
    told = {report.step: report.gradient_norms for report in run(bottles) if report.evaluated}
    record = bottles.checkpoint().record.json
    first, best = record["gradients"]
    assert (first["step"], best["step"]) == (0, record["best_step"])
    for kept in (first, best):
        assert tuple(map(tuple, kept["norms"])) == told[kept["step"]]


def test_no_step_goes_further_than_clipping_allows() -> None:
    plain = replace(TRAINING, dropout=0.0, weight_decay=0.0, budget=Budget(steps=3))
    norms = [report.gradient_norm for report in run(trainer(replace(plain, clip=1e-3)))]
    assert max(norms) > 1e-2  # what is told is the norm before clipping
    weights = [trainer(replace(plain, clip=clip)) for clip in (1e-12, 0.0)]
    before = weights[0].checkpoint().weights["output.bias"]
    moved = []
    for bottles in weights:
        run(bottles)
        moved.append(float(np.abs(bottles.state().tensors["model/output.bias"] - before).max()))
    assert moved[0] < 1e-2 * moved[1]  # gradients far below AdamW's epsilon hardly move anything


def test_the_state_is_carried_and_gradients_stay_within_a_segment() -> None:
    bottles = trainer(replace(TRAINING, budget=Budget(steps=2)))
    assert not bottles.state().tensors["hidden/"].any()
    run(bottles)
    hidden = bottles.state().tensors["hidden/"]
    assert hidden.shape == (2, 2, 8, 16) and np.abs(hidden).max() > 0


def test_a_run_that_diverges_for_good_says_so() -> None:
    wild = replace(TRAINING, learning_rate=100, clip=0, budget=Budget(steps=400))
    with pytest.raises(DivergedError, match=rf"diverged at step \d+: .*; {RETRIES} new starts with smaller steps"):
        run(trainer(wild, replace(CONFIG, cell="rnn")))


def test_a_run_that_diverges_once_starts_again_with_smaller_steps() -> None:
    wild = replace(TRAINING, learning_rate=5, budget=Budget(steps=250))
    bottles = trainer(wild, replace(CONFIG, cell="rnn", layers=1))
    reports = run(bottles)
    record = bottles.checkpoint().record.json
    assert 0 < record["retries"] <= RETRIES
    assert record["validation_loss"] < math.log(len(VOCABULARY))
    assert reports[-1].step == 250


def test_a_loss_that_has_risen_for_good_goes_back_to_the_best_weights() -> None:
    fresh = trainer(LONGER).state()
    good = trainer(LONGER)
    next(report for report in good.run() if report.step == 160 and report.samples)
    state = good.state()
    forgotten = {
        name: fresh.tensors[name] if name.startswith(("model/", "average/")) else tensor
        for name, tensor in state.tensors.items()
    }
    last = trainer(LONGER, state=replace(state, tensors=forgotten))
    first = next(report for report in last.run() if report.samples)
    record = last.checkpoint().record.json
    assert (first.validation_loss, record["retries"], record["best_step"]) == (None, 1, good.state().position.best_step)
    assert record["evaluations"][-1]["training_loss"] < math.log(len(VOCABULARY)) + 1  # no worse than guessing
    assert (last.state().tensors["model/output.weight"] == good.checkpoint().weights["output.weight"]).all()
    run(last)
    assert last.checkpoint().record.json["validation_loss"] <= good.checkpoint().record.json["validation_loss"]


def test_the_averaged_weights_are_evaluated_and_kept() -> None:
    bottles = trainer()
    next(report for report in bottles.run() if report.step == 30 and report.samples)
    tensors, network = bottles.state().tensors, CharRNN(CONFIG)
    network.load_weights({name: tensors[f"average/{name}"] for name in CONFIG.shapes()})
    checkpoint = bottles.checkpoint()
    assert evaluate(network, bottles.held_out) == checkpoint.record.json["evaluations"][-1]["validation_loss"]
    assert all((weight == tensors[f"average/{name}"]).all() for name, weight in checkpoint.weights.items())
    assert not (tensors["model/output.weight"] == tensors["average/output.weight"]).all()


def test_more_minutes_than_a_text_can_use_are_not_used() -> None:
    forever = replace(TRAINING, budget=Budget(minutes=1000), batch_size=32)
    bottles = brief(QUICK, forever, replace(BOTTLES, ids=IDS[:400]), clock=Clock(1e-4))
    last = run(bottles)[-1]
    assert last.step == last.steps == 2 * MAX_EPOCHS  # a pass has two steps
    assert last.learning_rate < 0.02 * forever.learning_rate  # it has come down as in any run
    assert ENOUGH in bottles.warnings and ENOUGH in bottles.checkpoint().record.warnings


def test_a_text_that_is_too_short_is_refused_with_the_needed_length() -> None:
    with pytest.raises(ValueError, match="the text has 16 tokens; at least 17 are needed with segment_length 16"):
        brief(CONFIG, TRAINING, TrainingText(IDS[:16], VOCABULARY))


LATIN, GREEK = (
    "the quick brown fox jumps over the lazy dog\n" * 60,
    "η γρήγορη καφέ αλεπού πηδά πάνω από τον σκύλο\n" * 9,
)
MIXED = Vocabulary.of([LATIN + GREEK])


def mixed(how: ValidationSplit, steps: int = 60) -> Trainer:
    training = replace(TRAINING, budget=Budget(steps=steps), validation_split=how, learning_rate=0.02)
    config = replace(CONFIG, vocabulary_size=len(MIXED), layers=1)
    return brief(config, training, TrainingText(MIXED.encode(LATIN + GREEK), MIXED), clock=Clock())


def test_an_untrained_network_is_not_kept_whatever_held_out_text_says_of_it() -> None:
    latin = mixed("end")
    reports = [report for report in run(latin) if report.evaluated]
    losses = [report.validation_loss or 0.0 for report in reports]
    assert losses[0] < min(losses[1:])  # of a text in letters that it never saw, it only learns what it is not
    record = latin.checkpoint().record.json
    assert record["best_step"] == record["steps"] == 60  # no loss says which weights are better
    assert record["validation_loss"] == losses[-1]
    shift, guessing = record["warnings"]
    assert shift.startswith("The held-out text differs in kind from the training text")
    assert "no better than guessing" in guessing
    assert latin.warnings == record["warnings"]


def test_blocks_hold_out_some_of_every_kind() -> None:
    both = mixed("blocks")
    run(both)
    record = both.checkpoint().record.json
    assert record["warnings"] == []
    assert record["validation_loss"] < record["evaluations"][0]["validation_loss"]


def test_of_trained_weights_the_best_are_kept_even_if_the_base_was_better(
    learned: tuple[Trainer, list[Progress]],
) -> None:
    harder = replace(TRAINING, budget=Budget(steps=30), learning_rate=0.05, dropout=0.5)
    going_on = brief(CONFIG, harder, BOTTLES, base=learned[0].checkpoint(), clock=Clock())
    losses = [report.validation_loss or 0.0 for report in run(going_on) if report.evaluated]
    assert losses[0] < min(losses[1:])
    record = going_on.checkpoint().record.json
    assert record["best_step"] == 10 * losses.index(min(losses[1:]))


def test_a_run_that_diverges_at_its_only_evaluation_publishes_nothing() -> None:
    wild = replace(TRAINING, learning_rate=100, clip=0, budget=Budget(steps=4))
    with pytest.raises(DivergedError, match=r"diverged at step 4: .*; 0 new starts"):
        run(trainer(wild, replace(CONFIG, cell="rnn")))


def test_a_resume_point_from_before_there_were_blocks_goes_on_with_the_end_held_out() -> None:
    in_blocks = replace(TRAINING, budget=Budget(steps=20))
    at_end = replace(in_blocks, validation_split="end")
    whole = trainer(at_end)
    run(whole)
    part = trainer(at_end)
    next(report for report in part.run() if report.step == 4)
    state = part.state()
    training = {name: value for name, value in state.run["training"].items() if name != "validation_split"}
    rest = trainer(in_blocks, state=replace(state, run={**state.run, "training": training}))
    run(rest)
    assert rest.checkpoint().to_bytes() == whole.checkpoint().to_bytes()
    with pytest.raises(TrainingStateError, match="another run's: training differs"):
        trainer(in_blocks, state=state)


def test_the_record_has_a_prompt_that_suits_the_text() -> None:
    assert trainer().checkpoint().record.prompt == "0 bottles of beer on the"
