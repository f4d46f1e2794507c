"""`charrnn generate`: a text from a running service; its options are the request's own fields."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator
from typing import Any, Final

from charrnn.sampling import choice_seed
from service.api.schemas.generate import GenerateBody
from service.api.schemas.generation import MOST_CHOICES
from service.api.schemas.neutral import NeutralBody
from service.api.schemas.patterns import OTHER_NAMES, PatternBody
from service.client import Client, Generation, Piece
from service.commands.asking import SEPARATOR, add_command, say, say_json
from service.commands.options import add_options, given
from service.commands.patterns import pointing, warn_of_skipped
from service.processes.preflight import StartError

OWN: Final = frozenset(
    {"prompt", "seed_text", "stream", "stream_options", "trace", *NeutralBody.model_fields, *OTHER_NAMES}
)
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
    parser.add_argument(
        "--separator", metavar="TEXT", help="what is written between several texts (default: ---, with a pattern LF)"
    )
    add_options(parser, GenerateBody, OWN, IN_A_TERMINAL)


def _generate(parsed: argparse.Namespace, client: Client) -> None:
    asked = given(parsed, GenerateBody, OWN)
    prompt = _prompt(parsed.prompt)
    with pointing(asked):
        if parsed.json:
            for made in _generations(client, prompt, asked):
                say_json(made.reply)
        elif asked.get("n", 1) > 1:
            _several(_generations(client, prompt, IN_A_TERMINAL | asked), _separator(parsed))
        else:
            _streamed(client.stream(prompt, **IN_A_TERMINAL | asked))


def _generations(client: Client, prompt: str, asked: dict[str, Any]) -> Iterator[Generation]:
    """What is asked for, in as many requests as that takes: of one version, with seeds that follow each other."""
    left = asked.get("n", 1)
    while True:
        made = client.generate(prompt, **asked | ({"n": MOST_CHOICES} if left > MOST_CHOICES else {}))
        yield made
        left -= MOST_CHOICES
        if left <= 0:
            return
        asked = asked | {
            "model": f"{made.model}@{made.version}",
            "seed": choice_seed(made.seed, MOST_CHOICES),
            "n": left,
        }


def _several(generations: Iterator[Generation], separator: str) -> None:
    continuations: list[str | None] = []
    for index, made in enumerate(generations):
        if not index:
            warn_of_skipped(made.pattern_skipped)
        say(separator if index else "", end="")
        say(separator.join(choice.text for choice in made.choices), end="")
        continuations += [choice.continuation for choice in made.choices]
    say()
    _say_continuations(continuations)


def _streamed(pieces: Iterator[Piece]) -> None:
    continuations = []
    for piece in pieces:
        warn_of_skipped(piece.pattern_skipped)
        say(piece.text, end="")
        continuations.append(piece.continuation)
    say()
    _say_continuations(continuations)


def _say_continuations(continuations: Iterable[str | None]) -> None:
    for continuation in filter(None, continuations):
        sys.stderr.write(f"{continuation}\n")


def _separator(parsed: argparse.Namespace) -> str:
    """What is written between several texts: those of a pattern are short, so one a line."""
    if parsed.separator is not None:
        return str(parsed.separator)
    return SEPARATOR if all(getattr(parsed, each) is None for each in PatternBody.null_is_given) else "\n"


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
