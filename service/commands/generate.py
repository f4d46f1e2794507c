"""`charrnn generate`: a text from a running service; its options are the request's own fields."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any, Final

from service.api.schemas.generate import GenerateBody
from service.api.schemas.neutral import NeutralBody
from service.client import Choice, Client, Piece
from service.commands.asking import SEPARATOR, add_command, say, say_json
from service.commands.options import add_options, given
from service.processes.preflight import StartError

OWN: Final = frozenset({"prompt", "seed_text", "stream", "stream_options", "trace", *NeutralBody.model_fields})
"""Fields that are not options: the argument, what the command decides by itself, and what has no meaning here."""

IN_A_TERMINAL: Final = {"echo": True}
"""Defaults in a terminal that differ from the service's, which programs get."""


def add_generate(commands: Any) -> None:
    """Add the command to the parser."""
    epilog = "With --continuation, what --continue takes is printed on standard error, a line for each text."
    parser = add_command(commands, "generate", "Generate text", _generate, epilog=epilog)
    parser.add_argument(
        "prompt",
        nargs="?",
        help="the text to continue; `-` reads it from standard input, as does omitting it when something is piped in",
    )
    add_options(parser, GenerateBody, OWN, IN_A_TERMINAL)


def _generate(parsed: argparse.Namespace, client: Client) -> None:
    asked = given(parsed, GenerateBody, OWN)
    prompt = _prompt(parsed.prompt)
    if parsed.json:
        say_json(client.generate(prompt, **asked).reply)
        return
    asked = IN_A_TERMINAL | asked
    if asked.get("n", 1) > 1:
        choices: Sequence[Choice | Piece] = client.generate(prompt, **asked).choices
        say(SEPARATOR.join(choice.text for choice in choices))
    else:
        choices = [_shown(piece) for piece in client.stream(prompt, **asked)]
        say()
    for choice in choices:
        if choice.continuation is not None:
            sys.stderr.write(f"{choice.continuation}\n")


def _shown(piece: Piece) -> Piece:
    say(piece.text, end="")
    return piece


def _prompt(given: str | None) -> str:
    """The prompt, exactly as given. Raises StartError for invalid UTF-8."""
    if given is not None and given != "-":
        if any("\ud800" <= character <= "\udfff" for character in given):
            raise StartError("the prompt must be valid UTF-8")
        return given
    if sys.stdin is None or (given is None and sys.stdin.isatty()):
        return ""
    try:
        return sys.stdin.buffer.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        wrong = f"byte 0x{error.object[error.start]:02x} at {error.start}"
        raise StartError(f"standard input must be valid UTF-8: {wrong} is not") from error
