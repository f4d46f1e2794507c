"""The commands that talk to a running service through its client: generate, upload, jobs, models."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from charrnn.wording import count
from service.client import Client, Json, ServiceError
from service.settings import Settings

SAMPLING: Final[dict[str, type]] = {
    "length": int,
    "temperature": float,
    "seed": int,
    "top-k": int,
    "top-p": float,
    "min-p": float,
    "repetition-penalty": float,
}

Command = Callable[[argparse.Namespace, Client], None]


def add_commands(commands: Any) -> None:
    """Add the commands to a parser's; each leaves in `run` what carries it out."""
    generate = _add(commands, "generate", "text from a model", _generate)
    generate.add_argument("prompt", nargs="?", default="")
    generate.add_argument("--model")
    generate.add_argument("--stop", action="append", help="where to end; may be given several times")
    for name, kind in SAMPLING.items():
        generate.add_argument(f"--{name}", type=kind)
    upload = _add(commands, "upload", "a text to train on", _upload)
    upload.add_argument("file", type=Path)
    upload.add_argument("--name")
    upload.add_argument("--model", help="train this model of it at once")
    jobs = _add(commands, "jobs", "training jobs, or one of them", _jobs)
    jobs.add_argument("id", nargs="?")
    _add(commands, "models", "the models and what they stand for", _models)


def _add(commands: Any, name: str, about: str, command: Command) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=f"{about} (asks a running service)")
    parser.add_argument("--url", help="default: HOST and PORT of this machine's service")
    parser.add_argument("--key", help="default: the key that the settings name, or the one in DATA_DIR")
    parser.set_defaults(run=lambda parsed: _run(command, parsed))
    return parser


def _run(command: Command, parsed: argparse.Namespace) -> int:
    settings = Settings()
    try:
        command(parsed, Client(parsed.url or _url(settings), parsed.key or _key(settings)))
        sys.stdout.flush()
    except (ServiceError, OSError) as error:
        if isinstance(error, BrokenPipeError):
            # Whoever read has enough; nothing is left to be flushed at the end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        print(f"service: {error}", file=sys.stderr)
        return 1
    return 0


def _url(settings: Settings) -> str:
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host
    return f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"


def _key(settings: Settings) -> str | None:
    kept = settings.data_dir / "admin-key"
    known = [*settings.admin_api_keys, *([kept.read_text().strip()] if os.access(kept, os.R_OK) else [])]
    return next(iter([*known, *settings.api_keys]), None)


def _generate(parsed: argparse.Namespace, client: Client) -> None:
    names = [name.replace("-", "_") for name in SAMPLING]
    given = {name: getattr(parsed, name) for name in [*names, "model", "stop"]}
    for piece in client.stream(parsed.prompt, echo=True, **given):
        print(piece.text, end="", flush=True)
    print()


def _upload(parsed: argparse.Namespace, client: Client) -> None:
    corpus = client.upload(parsed.file, parsed.name, parsed.model)
    print(f"corpus {corpus['id']}: {count(corpus['characters'], 'character')}, {corpus['vocabulary_size']} different")
    if "job" in corpus:
        print(f"job {corpus['job']['id']}: {corpus['job']['status']}")


def _jobs(parsed: argparse.Namespace, client: Client) -> None:
    if parsed.id is None:
        _table(("job", "model", "status", "done", "loss", "version"), map(_job_row, client.jobs()))
        return
    job = client.job(parsed.id)
    _table(("job", "model", "status", "done", "loss", "version"), [_job_row(job)])
    if job["error"]:
        print(job["error"])
    if job["samples"]:
        print(*job["samples"][-1]["samples"], sep="\n---\n")


def _job_row(job: Json) -> tuple[Any, ...]:
    progress = job["progress"]
    done, loss = f"{progress['fraction']:.0%}", _number(progress["validation_loss"])
    return job["id"], job["model"], job["status"], done, loss, job["version"] or "-"


def _models(_: argparse.Namespace, client: Client) -> None:
    _table(("model", "current", "loss", "published", "versions"), (_model_row(client, m) for m in client.models()))


def _model_row(client: Client, model: Json) -> tuple[Any, ...]:
    current = model["aliases"].get("current")
    found = [v for v in client.model(model["name"])["versions"] if v["version"] == current]
    loss, published = (found[0]["record"].get("validation_loss"), found[0]["published"]) if found else (None, "-")
    return model["name"], current or "-", _number(loss), published, " ".join(map(str, model["versions"]))


def _number(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, int | float) else "-"


def _table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    lines = [tuple(head), *(tuple(map(str, row)) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
