"""`charrnn generate`: a text from a running service; its options are the request's own fields."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any, Final

from service.api.schemas.generation import GenerateBody
from service.api.schemas.neutral import NeutralBody
from service.client import Client
from service.commands.asking import SEPARATOR, add_command, say, say_json
from service.processes.preflight import StartError

OWN: Final = frozenset({"prompt", "seed_text", "stream", "stream_options", "trace", *NeutralBody.model_fields})
"""Fields that are no options: the argument, what the command decides by itself, and what means nothing here."""

IN_A_TERMINAL: Final = {"echo": True}
"""Where people are better served by something else than the service's default, which programs get."""

TYPES: Final = {"integer": int, "number": float, "string": str}


def add_generate(commands: Any) -> None:
    """Add the command to a parser's."""
    parser = add_command(commands, "generate", "Generate text", _generate)
    parser.add_argument(
        "prompt",
        nargs="?",
        help="the text to continue; `-` reads it from standard input, as does omitting it when something is piped in",
    )
    schema = GenerateBody.model_json_schema()["properties"]
    for name, field in schema.items():
        if name not in OWN:
            parser.add_argument(f"--{name.replace('_', '-')}", **_option(name, field))


def _option(name: str, field: dict[str, Any]) -> dict[str, Any]:
    """How argparse reads a field of the request's schema."""
    forms = [form for form in field.get("anyOf", [field]) if form.get("type") != "null"]
    kinds = {form.get("type") for form in forms}
    if len(kinds) > 1:  # a flag that asks for nothing, which may as well be left out
        kinds.discard("boolean")
        forms = [form for form in forms if form.get("type") in kinds]
    option: dict[str, Any] = {"help": _help(name, field)}
    if kinds == {"boolean"}:
        return option | {"action": argparse.BooleanOptionalAction}
    if choices := forms[0].get("enum"):
        return option | {"choices": choices}
    if kinds == {"string", "array"}:
        return option | {"action": "append", "metavar": "TEXT"}
    kind = TYPES.get(forms[0].get("type", ""), _json) if len(kinds) == 1 else _json
    return option | {"type": kind, "metavar": "JSON" if kind is _json else "TEXT" if kind is str else "N"}


def _help(name: str, field: dict[str, Any]) -> str:
    default = IN_A_TERMINAL.get(name, field.get("default"))
    shown = default if isinstance(default, str) else json.dumps(default)
    said: str = field.get("description", "") + (f" (default: {shown})" if default not in (None, []) else "")
    return said.replace("%", "%%")


def _json(text: str) -> Any:
    return json.loads(text)


_json.__name__ = "JSON"  # what argparse says that a text is not


def _generate(parsed: argparse.Namespace, client: Client) -> None:
    names = [name for name in GenerateBody.model_fields if name not in OWN]
    given = {name: value for name in names if (value := getattr(parsed, name)) is not None}
    prompt = _prompt(parsed.prompt)
    if parsed.json:
        say_json(client.generate(prompt, **given).reply)
        return
    given = IN_A_TERMINAL | given
    if given.get("n", 1) > 1:
        say(SEPARATOR.join(choice.text for choice in client.generate(prompt, **given).choices))
    else:
        for piece in client.stream(prompt, **given):
            say(piece.text, end="")
        say()


def _prompt(given: str | None) -> str:
    """The prompt, exactly as it is given. Raises StartError for bytes that are no text."""
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
