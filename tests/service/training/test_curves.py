"""Charts as documents: read back as XML, and looked at where their lines are."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.training.config import Budget
from service.pictures.charts import HEAD, WIDTH, Axis, Line, Panel, document
from service.training.curves import MAX_POINTS, curves, job_curves
from service.training.jobs import run_files
from service.training.jobs.event_log import EventLog
from service.training.jobs.requests import JobRequest
from service.training.jobs.store import JobStore
from tests.svg import lines, texts

VALUES = st.floats(-1e9, 1e9, allow_nan=False)


def measured(characters: int, **values: Any) -> dict[str, Any]:
    return {"step": characters // 100, "characters": characters, **values}


METRICS = [measured(n, loss=4 - n / 1000, learning_rate=n / 1e6) for n in range(100, 2000, 100)]
EVALUATIONS = [
    measured(0, validation_loss=4.1, bits_per_character=5.9, gradient_norms=[[1.0, 0.1], [0.5, 0.0]]),
    measured(1000, validation_loss=2.5, bits_per_character=3.6, gradient_norms=[[1.0, 0.5], [0.5, 0.2]]),
    measured(2000, validation_loss=2.7, bits_per_character=3.9, gradient_norms=[[1.0, 0.9], [0.5, 0.4]]),
]


def test_a_run_is_drawn_with_its_losses_its_steps_and_its_gradients() -> None:
    svg = curves("bard", METRICS, EVALUATIONS)
    said = texts(svg)
    assert said[0] == "bard"
    assert "Loss (nats per token), lowest held-out loss: 2.5000 (3.600 bits/character)" in said
    assert {"training", "validation", "learning rate", "layer 0, step 0", "layer 1, step 20"} <= set(said)
    training, validation, rate, *gradients = lines(svg)
    assert (len(training), len(validation), len(rate)) == (len(METRICS), 3, len(METRICS))
    assert [len(line) for line in gradients] == [2, 1, 2, 2], "what is 0 has no logarithm"
    assert [y for _, y in training] == sorted(y for _, y in training), "a loss that falls goes down"
    assert [x for x, _ in validation] == sorted(x for x, _ in validation)


def test_a_long_run_stays_light_and_keeps_its_end() -> None:
    metrics = [measured(n, loss=1.0 + n % 7, learning_rate=0.1) for n in range(20_000)]
    svg = curves("long", metrics, [])
    assert len(svg) < 30_000
    training = lines(svg)[0]
    assert len(training) <= MAX_POINTS + 1
    assert training[-1][0] == max(x for x, _ in training)


def test_a_run_that_has_not_begun_has_nothing_to_show_yet() -> None:
    assert texts(curves("early", [], [])).count("nothing is measured yet") == 2


def test_a_title_is_text_whatever_it_is() -> None:
    title = "</text><script>\"'&"
    svg = curves(title, METRICS, EVALUATIONS)
    assert texts(svg)[0] == title
    assert ElementTree.fromstring(svg).get("aria-label") == title


@given(st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=20), st.booleans())
def test_every_point_is_within_the_picture(points: list[tuple[float, float]], log: bool) -> None:
    placed = tuple((x, abs(y) + 1e-12 if log else y) for x, y in points)
    svg = document("any", [Panel("p", Axis("x"), Axis(log=log), (Line("l", "#000", placed),))])
    height = float(ElementTree.fromstring(svg).get("height") or 0)
    (line,) = lines(svg)
    assert len(line) == len(points)
    assert all(0 <= x <= WIDTH and HEAD <= y <= height for x, y in line)


@pytest.mark.parametrize(
    ("values", "log", "shown"),
    [
        ((0.0, 1.0), False, {"0", "0.5", "1"}),
        ((0.0, 3_000_000.0), False, {"1M", "2M"}),
        ((1e-6, 1.0), True, {"1e-6", "1e-4", "0.01", "1"}),
        ((5.0, 5.0), False, {"5"}),
    ],
)
def test_axes_have_round_numbers(values: tuple[float, ...], log: bool, shown: set[str]) -> None:
    points = tuple((float(i), value) for i, value in enumerate(values))
    assert shown <= set(texts(document("any", [Panel("p", Axis(), Axis(log=log), (Line("l", "#000", points),))])))


def test_a_job_is_drawn_as_it_stands(tmp_path: Path) -> None:
    jobs = JobStore(tmp_path)
    job = jobs.create(JobRequest("0" * 16, "bard", budget=Budget(steps=1)))
    assert texts(job_curves(jobs, job.id))[0] == "bard: queued"
    folder = jobs.folder(job.id)
    run_files.write_json(
        folder / run_files.PLAN, {"model": {"cell": "gru", "layers": 2, "hidden_size": 8}, "training": {}, "corpus": {}}
    )
    EventLog(folder).append("evaluation", EVALUATIONS[0])
    said = texts(job_curves(jobs, job.id))
    assert said[0] == "bard, gru 2\N{MULTIPLICATION SIGN}8: queued"
    assert "validation" in said
