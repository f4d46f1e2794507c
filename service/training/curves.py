"""A run's measurements as one picture: how the losses fell, how large the steps were, how far gradients reached back;
knows no HTTP."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

from service.pictures.charts import Axis, Line, Panel, document
from service.pictures.gradients import COLOURS, panel
from service.training.jobs import JobStore

MAX_POINTS: Final = 400
"""Of a line: more cannot be told apart at this size."""

CHARACTERS: Final = Axis("characters seen", floor=0.0)

Lines = Sequence[dict[str, Any]]


def job_curves(jobs: JobStore, job_id: str) -> str:
    """The chart of a job as it stands. Raises JobNotFoundError."""
    job, sizes = jobs.get(job_id), jobs.sizes(job_id)
    made_of = f", {sizes['cell']} {sizes['layers']}\N{MULTIPLICATION SIGN}{sizes['hidden_size']}" if sizes else ""
    how_far = f" ({job.progress.fraction:.0%})" if job.status == "running" else ""
    events = list(jobs.events(job_id))
    metrics, evaluations = ([e.data for e in events if e.kind == kind] for kind in ("metrics", "evaluation"))
    return curves(f"{job.request.model}{made_of}: {job.status}{how_far}", metrics, evaluations)


def curves(title: str, metrics: Lines, evaluations: Lines) -> str:
    """The chart, an SVG document, of what `JobStore.events` holds: the data of `metrics` and `evaluation` events."""
    panels = [_losses(metrics or evaluations, evaluations), _learning_rate([*metrics, *evaluations])]
    if any(event.get("gradient_norms") for event in evaluations):
        panels.append(_gradients(evaluations))
    return document(title, panels)


def _losses(steps: Lines, evaluations: Lines) -> Panel:
    training = Line("training", COLOURS[0], _points(steps, "loss"))
    validation = Line("validation", COLOURS[1], _points(evaluations, "validation_loss"), marked=True)
    measured = [event for event in evaluations if "validation_loss" in event]
    note = ""
    if measured:
        best = min(measured, key=lambda event: float(event["validation_loss"]))
        note = (
            f", least on held-out text: {best['validation_loss']:.4f} ({best['bits_per_character']:.3f} bits/character)"
        )
    return Panel(f"Loss (nats per token){note}", CHARACTERS, Axis(), (training, validation))


def _learning_rate(every: Lines) -> Panel:
    rate = Line("learning rate", COLOURS[2], _points(every, "learning_rate"))
    return Panel("Learning rate", CHARACTERS, Axis(floor=0.0), (rate,))


def _gradients(evaluations: Lines) -> Panel:
    """The first evaluation, dashed, and the last one: what training made of the reach."""
    recorded = [event for event in evaluations if event.get("gradient_norms")]
    ends = (recorded[0], recorded[-1])[: len(recorded)]
    return panel([(f"step {event['step']:,}", event["gradient_norms"]) for event in ends])


def _points(events: Lines, field: str) -> tuple[tuple[float, float], ...]:
    """(characters, value) of the events that have the value, thinned to what can be seen."""
    points = sorted((float(event["characters"]), float(event[field])) for event in events if field in event)
    stride = max(1, math.ceil(len(points) / MAX_POINTS))
    kept = points[::stride]
    return tuple(kept if not points or kept[-1] == points[-1] else [*kept, points[-1]])
