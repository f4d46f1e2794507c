"""Charts of a run's losses, learning rate and gradients; knows no HTTP."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from charrnn.record import TrainingRecord
from service.pictures.charts import Axis, Line, Panel, Points, document
from service.pictures.gradients import COLOURS, panel
from service.training.jobs.job import Job
from service.training.jobs.store import JobStore

MAX_POINTS: Final = 400
"""The maximum number of points in a line: more are not visible at this size."""

DIVERGED: Final = 2.0
"""A loss of more than this multiple of the first one has diverged: guessing would be better. Charts on pages read it
from the page (`data-diverged`)."""

CHARACTERS: Final = Axis("characters seen", floor=0.0)

Lines = Sequence[dict[str, Any]]


def job_curves(jobs: JobStore, job_id: str) -> str:
    """The chart of a job's current state. Raises JobNotFoundError."""
    job, plan = jobs.look(job_id), jobs.plan(job_id)
    sizes = plan.sizes if plan else {}
    made_of = f", {sizes['cell']} {sizes['layers']}\N{MULTIPLICATION SIGN}{sizes['hidden_size']}" if sizes else ""
    name = job.request.model if isinstance(job, Job) else f"a damaged job, {job.id}"
    how_far = f" ({job.progress.fraction:.0%})" if job.status == "running" else ""
    events = list(jobs.event_log(job_id).read())
    metrics, evaluations = ([e.data for e in events if e.kind == kind] for kind in ("metrics", "evaluation"))
    return curves(f"{name}{made_of}: {job.status}{how_far}", metrics, evaluations)


def curves(title: str, metrics: Lines, evaluations: Lines) -> str:
    """The chart, an SVG document, of the data of a job's `metrics` and `evaluation` events."""
    panels = [_losses(metrics or evaluations, evaluations), _learning_rate([*metrics, *evaluations])]
    if any(map(_has_norms, evaluations)):
        panels.append(_gradients(evaluations))
    return document(title, panels)


def record_curve(title: str, record: TrainingRecord) -> str:
    """The chart, an SVG document, of the evaluations in a training record."""
    evaluations = [each.as_dict() | {"loss": each.training_loss} for each in record.evaluations]
    return document(title, [_losses(evaluations, evaluations)])


def _losses(steps: Lines, evaluations: Lines) -> Panel:
    training = Line("training", COLOURS[0], _points(steps, "loss"))
    validation = Line("validation", COLOURS[1], _points(evaluations, "validation_loss"), marked=True)
    lines, scale = (training, validation), Axis(log=_diverged(training.points))
    return Panel(f"Loss (nats per token){_least(evaluations)}", CHARACTERS, scale, lines)


def _least(evaluations: Lines) -> str:
    measured = [event for event in evaluations if _are_numbers(event, "validation_loss")]
    if not measured:
        return ""
    best = min(measured, key=lambda event: float(event["validation_loss"]))
    bits = f" ({best['bits_per_character']:.3f} bits/character)" if _are_numbers(best, "bits_per_character") else ""
    return f", lowest held-out loss: {best['validation_loss']:.4f}{bits}"


def _diverged(points: Points) -> bool:
    losses = [loss for _, loss in points]
    return bool(losses) and min(losses) > 0 and max(losses) > DIVERGED * losses[0]


def _learning_rate(every: Lines) -> Panel:
    rate = Line("learning rate", COLOURS[2], _points(every, "learning_rate"))
    return Panel("Learning rate", CHARACTERS, Axis(floor=0.0), (rate,))


def _gradients(evaluations: Lines) -> Panel:
    """The gradients of the first evaluation, dashed, and of the last one."""
    recorded = [event for event in evaluations if _has_norms(event)]
    ends = (recorded[0], recorded[-1])[: len(recorded)]
    return panel([(f"step {event['step']:,}", event["gradient_norms"]) for event in ends])


def _points(events: Lines, field: str) -> tuple[tuple[float, float], ...]:
    """(characters, value) of the events that have the value, at most MAX_POINTS."""
    complete = (event for event in events if _are_numbers(event, "characters", field))
    points = sorted((float(event["characters"]), float(event[field])) for event in complete)
    stride = max(1, math.ceil(len(points) / MAX_POINTS))
    kept = points[::stride]
    return tuple(kept if not points or kept[-1] == points[-1] else [*kept, points[-1]])


def _are_numbers(event: Mapping[str, Any], *fields: str) -> bool:
    """Whether the event has all of these fields as numbers: a line of a damaged log may lack any."""
    return all(isinstance(event.get(field), int | float) for field in fields)


def _has_norms(event: Mapping[str, Any]) -> bool:
    """Whether the event has gradient norms that can be plotted."""
    layers = event.get("gradient_norms")
    if not isinstance(layers, list) or not layers or not all(isinstance(layer, list) and layer for layer in layers):
        return False
    numbers = all(isinstance(norm, int | float) for layer in layers for norm in layer)
    return numbers and len({len(layer) for layer in layers}) == 1 and isinstance(event.get("step"), int)
