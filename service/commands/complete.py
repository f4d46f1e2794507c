"""`charrnn complete`: what most likely comes next, from a running service; its options are the request's own fields."""

from __future__ import annotations

import argparse
from typing import Any, Final

from service.api.schemas.complete import CompleteBody
from service.api.schemas.patterns import OTHER_NAMES
from service.client import Client
from service.commands.asking import add_command, say, say_json
from service.commands.options import add_options, given

OWN: Final = frozenset({"prompt", *OTHER_NAMES})
"""Fields that are not options: the argument, and other servers' names for what options say."""


def add_complete(commands: Any) -> None:
    """Add the command to the parser."""
    about = "Print what most likely follows a text, a line for each completion: its probability, and the text in quotes"
    parser = add_command(commands, "complete", about, _complete)
    parser.add_argument("prompt", nargs="?", default="", help="the text to complete; it may end within a word")
    add_options(parser, CompleteBody, OWN)


def _complete(parsed: argparse.Namespace, client: Client) -> None:
    asked = {"prompt": parsed.prompt, **given(parsed, CompleteBody, OWN)}
    reply = client.json("POST", "/complete", asked)
    if parsed.json:
        say_json(reply)
        return
    for completion in reply["completions"]:
        say(f"{completion['probability']:.4f}  {completion['text']!r}")
