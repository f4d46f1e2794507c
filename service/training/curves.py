"""A run's measurements as one picture: how the losses fell, how large the steps were, how far gradients reached back;
knows no HTTP."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

from service.training.jobs import JobStore
from service.training.svg import Axis, Line, Panel, document

COLOURS: Final = ("#2563a8", "#d1495b", "#2e8b57", "#8a5cb8", "#b8860b", "#4a8fa8", "#a0522d", "#6b7280")
MAX_POINTS: Final = 400
"""Of a line: more cannot be told apart at this size."""

MIN_NORM: Final = 1e-12

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
    """The first recorded evaluation after the start, dashed, and the last one: what training made of the reach."""
    recorded = [event for event in evaluations if event.get("gradient_norms")]
    lines = []
    for event, dashed in ((recorded[0], True), (recorded[-1], False)):
        for layer, norms in enumerate(event["gradient_norms"]):
            points = [(float(k), norm) for k, norm in enumerate(norms) if norm > MIN_NORM]
            label = f"layer {layer + 1}, step {event['step']:,}"
            lines.append(Line(label, COLOURS[layer % len(COLOURS)], tuple(points), dashed=dashed))
        if len(recorded) == 1:
            break
    return Panel(
        "Gradient of a character's loss at the state k steps before it",
        Axis("k", floor=0.0),
        Axis(log=True),
        tuple(lines),
    )


def _points(events: Lines, field: str) -> tuple[tuple[float, float], ...]:
    """(characters, value) of the events that have the value, thinned to what can be seen."""
    points = sorted((float(event["characters"]), float(event[field])) for event in events if field in event)
    stride = max(1, math.ceil(len(points) / MAX_POINTS))
    kept = points[::stride]
    return tuple(kept if not points or kept[-1] == points[-1] else [*kept, points[-1]])
