"""`charrnn upload` and `charrnn models`: upload a corpus to a running service, and list its models."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from charrnn.record import TrainingRecord
from charrnn.wording import count
from service.client import Client, Json
from service.commands.asking import add_command, number, say, say_json, say_table
from service.commands.options import add_decoding


def add_upload(commands: Any) -> None:
    """Add the command to the parser."""
    upload = add_command(commands, "upload", "Upload a text to train on", _upload)
    upload.add_argument("file", type=Path, help="the text file, in any encoding")
    upload.add_argument("--name", help="name of the corpus (default: the file's name)")
    upload.add_argument("--model", help="train a version of this model at once")
    add_decoding(upload, "the file")


def add_models(commands: Any) -> None:
    """Add the command to the parser."""
    add_command(commands, "models", "List the models and their versions", _models)


def _upload(parsed: argparse.Namespace, client: Client) -> None:
    corpus = client.upload(parsed.file, parsed.name, parsed.model, encoding=parsed.encoding, newlines=parsed.newlines)
    if parsed.json:
        say_json(corpus)
        return
    say(f"corpus {corpus['id']}: {count(corpus['characters'], 'character')}, {corpus['vocabulary_size']} different")
    say(f"read as {corpus['encoding']}: {next(iter(corpus['preview']), '')[:100]}")
    if corpus.get("job"):
        say(f"job {corpus['job']['id']}: {corpus['job']['status']}")


def _models(parsed: argparse.Namespace, client: Client) -> None:
    if parsed.json:
        say_json(client.models())
        return
    say_table(("model", "current", "loss", "published", "versions"), (_row(client, m) for m in client.models()))


def _row(client: Client, model: Json) -> tuple[Any, ...]:
    current, loss, published = model["aliases"].get("current"), None, "-"
    if current in model["versions"]:
        version = client.version(model["name"], current)
        loss, published = TrainingRecord(version["record"]).validation_loss, version["published"]
    return model["name"], current or "-", number(loss), published, " ".join(map(str, model["versions"]))
