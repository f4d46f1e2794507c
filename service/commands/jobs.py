"""`charrnn jobs`: training jobs of a running service, listed, shown, followed and cancelled."""

from __future__ import annotations

import argparse
import time
from typing import Any, Final

from console.program import FAILED
from service.client import Client, JobEvent, Json
from service.commands.asking import SEPARATOR, add_command, number, say, say_json, say_table
from service.commands.job_display import LINE_SECONDS, duration, evaluation_line, sample_text, samples_line

HEAD: Final = ("job", "model", "status", "done", "loss", "version")


def add_jobs(commands: Any) -> None:
    """Add the command to the parser."""
    usage = "%(prog)s [-h] [--url URL] [--key KEY] [--json] [[follow | cancel] ID]"
    parser = add_command(commands, "jobs", "List training jobs; show, follow or cancel one", _jobs, usage=usage)
    parser.add_argument(
        "what",
        nargs="*",
        metavar="ID",
        help="job to show; `follow ID` watches it until it ends, `cancel ID` cancels it (default: list all jobs)",
    )


def _jobs(parsed: argparse.Namespace, client: Client) -> int | None:
    match parsed.what:
        case []:
            _list(parsed, client)
        case ["cancel", job]:
            _show_row(parsed, client.cancel(job))
        case ["follow", job]:
            return _follow(parsed, client, job)
        case [job] if job not in ("cancel", "follow"):
            _show(parsed, client.job(job))
        case _:
            parsed.parser.error("jobs takes one ID, optionally preceded by follow or cancel")
    return None


def _list(parsed: argparse.Namespace, client: Client) -> None:
    if parsed.json:
        say_json(client.jobs())
    else:
        say_table(HEAD, map(_row, client.jobs()))


def _show_row(parsed: argparse.Namespace, job: Json) -> None:
    if parsed.json:
        say_json(job)
    else:
        say_table(HEAD, [_row(job)])


def _show(parsed: argparse.Namespace, job: Json) -> None:
    _show_row(parsed, job)
    if parsed.json:
        return
    for wrong in filter(None, (job.get("damaged"), job["error"])):
        say(wrong)
    if job["samples"]:
        say(SEPARATOR.join(sample["prompt"] + sample["text"] for sample in job["samples"][-1]["samples"]))


def _row(job: Json) -> tuple[Any, ...]:
    progress = job["progress"]
    done, loss = f"{progress['fraction']:.0%}", number(progress["validation_loss"])
    status = f"{job['status']}, damaged" if job.get("damaged") else job["status"]
    return job["id"], job["model"] or "-", status, done, loss, job["version"] or "-"


def _follow(parsed: argparse.Namespace, client: Client, job: str) -> int:
    """Show a job's events as they arrive; the exit status is 1 unless it published a version."""
    printer, status = _EventPrinter(), ""
    for event in client.events(job):
        status = event.data["status"] if event.kind == "status" else status
        if parsed.json:
            say_json({"id": event.id, "kind": event.kind, **event.data})
        else:
            printer.show(event)
    return 0 if status == "succeeded" else FAILED


class _EventPrinter:
    """Prints a job's events as lines; of its measurements only one every few seconds."""

    def __init__(self) -> None:
        self._lined = float("-inf")
        self._evaluated = -1

    def show(self, event: JobEvent) -> None:
        """Print an event, if it is to be shown."""
        if event.kind == "status":
            say(_status_line(event.data))
        elif event.kind == "evaluation":
            self._evaluated = event.data["step"]
            say(evaluation_line(event.data))
        elif event.kind == "samples":
            if event.data["step"] != self._evaluated:
                say(samples_line(event.data))
            say(sample_text(event.data))
        elif event.kind == "metrics" and time.monotonic() - self._lined >= LINE_SECONDS:
            self._lined = time.monotonic()
            say(_measured_line(event.data))


def _status_line(data: Json) -> str:
    parts = [data["status"]]
    if data.get("version"):
        parts.append(f"version {data['version']}" + (", now current" if data.get("promoted") else ""))
    return ": ".join([*parts, *([data["error"]] if data.get("error") else [])])


def _measured_line(data: Json) -> str:
    parts = [f"step {data['step']:,}", f"{data['characters']:,} characters"]
    parts += [f"loss {data['loss']:.3f}"] if data.get("loss") is not None else []
    parts += [f"{duration(data['seconds_left'])} left"] if data.get("seconds_left") is not None else []
    return "  ".join(parts)
