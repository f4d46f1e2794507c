"""Shows a running job in a terminal: a progress bar, evaluations, samples and warnings; knows no training."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Mapping
from typing import Any, Final, TextIO

from service.training.jobs.job import JobProgress
from service.training.jobs.store import JobStore

POLL_SECONDS: Final = 0.2
LINE_SECONDS: Final = 10.0
"""Between two lines of progress where a bar cannot be redrawn."""

MIN_BAR: Final = 10
_ERASE: Final = "\r\x1b[K"


class Follower:
    """Shows a job on `out` in a thread of its own, until `close`."""

    def __init__(self, jobs: JobStore, job: str, out: TextIO) -> None:
        self._jobs = jobs
        self._job = job
        self._out = out
        self._moves = out.isatty()
        self._last = max((event.id for event in jobs.event_log(job).read()), default=0)
        self._lined = 0.0
        self._evaluated = -1
        self._warned: list[str] = []
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._follow, name=f"follower of {job}", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Show everything that is not shown yet, and end."""
        self._closed.set()
        self._thread.join()

    def _follow(self) -> None:
        while not self._closed.wait(POLL_SECONDS):
            self._show()
        self._show()
        if self._moves:
            self._write("\n")

    def _show(self) -> None:
        for event in self._jobs.event_log(self._job).read(self._last):
            self._last = event.id
            if event.kind == "evaluation":
                self._evaluated = event.data["step"]
                self._write_above(evaluation_line(event.data))
            elif event.kind == "samples":
                if event.data["step"] != self._evaluated:
                    self._write_above(samples_line(event.data))
                self._write_above(sample_text(event.data))
            elif event.kind == "warnings":
                for warning in event.data["warnings"]:
                    if warning not in self._warned:
                        self._write_above(f"warning: {warning}")
                self._warned = event.data["warnings"]
        self._show_progress(self._jobs.get(self._job).progress)

    def _show_progress(self, progress: JobProgress) -> None:
        if self._moves:
            self._write(_ERASE + bar(progress, shutil.get_terminal_size().columns - 1))
        elif time.monotonic() - self._lined >= LINE_SECONDS:
            self._lined = time.monotonic()
            self._write(facts(progress) + "\n")

    def _write_above(self, text: str) -> None:
        self._write(f"{_ERASE if self._moves else ''}{text}\n")

    def _write(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()


def bar(progress: JobProgress, width: int) -> str:
    """One line of at most `width` characters: a bar, and beside it as many facts as fit."""
    text = facts(progress)
    length = max(MIN_BAR, width - len(text) - 3)
    filled = round(length * progress.fraction)
    return f"[{'#' * filled}{'.' * (length - filled)}] {text}"[:width]


def facts(progress: JobProgress) -> str:
    """Share done, losses, speed and time left."""
    parts = [f"{progress.fraction:4.0%}"]
    if progress.loss is not None:
        parts.append(f"loss {progress.loss:.3f}")
    if progress.validation_loss is not None:
        parts.append(f"validation {progress.validation_loss:.3f}")
    if progress.characters_per_second is not None:
        parts.append(f"{progress.characters_per_second:,.0f} characters/s")
    if progress.seconds_left is not None:
        parts.append(f"{duration(progress.seconds_left)} left")
    return "  ".join(parts)


def duration(seconds: float) -> str:
    """Minutes and seconds, with hours if there are any: 4:05, 1:00:00."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def evaluation_line(values: Mapping[str, Any]) -> str:
    """The step and the losses of an `evaluation` event's data."""
    measured = "nothing is held out"
    if "validation_loss" in values:
        measured = f"validation loss {values['validation_loss']:.3f}, {values['bits_per_character']:.3f} bits/character"
    return f"\n-- step {values['step']:,}, {values['characters']:,} characters: {measured}"


def samples_line(values: Mapping[str, Any]) -> str:
    """The step of a `samples` event's data that has no evaluation."""
    share = f"{values['fraction']:.0%} of the training"
    return f"\n-- step {values['step']:,}, {values['characters']:,} characters: {share}"


def sample_text(values: Mapping[str, Any]) -> str:
    """The first sample of a `samples` event's data, indented."""
    sample = values["samples"][0]
    text = "".join(c if c == "\n" or c.isprintable() else " " for c in sample["prompt"] + sample["text"])
    return "\n".join(f"   {line}" for line in text.splitlines())
