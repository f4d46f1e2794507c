"""`charrnn classify`, `tag`, `transduce` and `compare`: ask a running service about the lines of standard input, for
shell pipes."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from service.api.schemas.base import Body
from service.api.schemas.labels import ClassifyBody, TagBody, TransduceBody
from service.client import Client, Json, ServiceError
from service.commands.asking import add_command, say, say_json
from service.commands.options import add_options, given
from service.commands.piped import batches, standard_input, unescaped

OWN: Final = frozenset({"model", "text", "texts"})
"""Fields that are not options."""

Ask = Callable[[Sequence[str]], Sequence[Json]]
"""From texts to the results for them."""


def add_classify(commands: Any) -> None:
    """Add the command to the parser."""
    _add(commands, "classify", "Print the label of each line of standard input", ClassifyBody, _label)


def add_tag(commands: Any) -> None:
    """Add the command to the parser."""
    about = "Print the tags of each line of standard input, one a token, with tabs between"
    _add(commands, "tag", about, TagBody, _tags)


def add_transduce(commands: Any) -> None:
    """Add the command to the parser."""
    _add(commands, "transduce", "Print what each line of standard input is turned into", TransduceBody, _text)


def add_compare(commands: Any) -> None:
    """Add the command to the parser."""

    def compare(parsed: argparse.Namespace, client: Client) -> None:
        _run(parsed, lambda texts: _results(client, "/compare", texts, {"models": parsed.models}), _likeliest)

    about = "Print which of several models each line of standard input is likeliest by"
    parser = _reading(commands, "compare", about, compare)
    parser.add_argument("models", nargs="+", metavar="MODEL", help="name, name@3 or name@alias; at least two")


def _add(commands: Any, name: str, about: str, body: type[Body], in_words: Callable[[Json], str]) -> None:
    """Add a command that asks a model about texts; `in_words` is how a result is printed."""

    def command(parsed: argparse.Namespace, client: Client) -> None:
        asked = {"model": parsed.model, **given(parsed, body, OWN)}
        _run(parsed, lambda texts: _results(client, f"/{name}", texts, asked), in_words)

    parser = _reading(commands, name, about, command)
    parser.add_argument("model", metavar="MODEL", help="name, name@3 or name@alias")
    add_options(parser, body, OWN)


def _reading(
    commands: Any, name: str, about: str, command: Callable[[argparse.Namespace, Client], None]
) -> argparse.ArgumentParser:
    parser = add_command(commands, name, about, command)
    parser.add_argument(
        "--separator",
        default="\n",
        help=r"what stands between two texts in standard input, \n, \t and \0 included (default: a line end)",
        type=unescaped,
    )
    return parser


def _run(parsed: argparse.Namespace, ask: Ask, in_words: Callable[[Json], str]) -> None:
    """Print a line for each text, in order; with `--json` its text and the result. A text that is empty is no record,
    and gets an empty line. Raises SystemExit for a result that would be several lines."""
    before = 0
    for texts in batches(standard_input(), parsed.separator):
        found = iter(_asked(ask, [text for text in texts if text], _places(texts, before)))
        for text in texts:
            result = next(found) if text else {}
            if parsed.json:
                say_json({"input": text, **result})
            else:
                say(without(parsed.separator, in_words(result)) if result else "", end=parsed.separator)
        before += len(texts)


def _asked(ask: Ask, texts: Sequence[str], places: Sequence[int]) -> list[Json]:
    """The results for the texts, in halves where they are too many for a reply. The error for one of them says which it
    is in the whole input."""
    if not texts:
        return []
    try:
        return list(ask(texts))
    except ServiceError as error:
        if error.code == "reply_too_large" and len(texts) > 1:
            half = len(texts) // 2
            return _asked(ask, texts[:half], places[:half]) + _asked(ask, texts[half:], places[half:])
        at_fault = re.fullmatch(r"texts\[(\d+)\]", error.param or "")
        if at_fault is None:
            raise
        message = error.message.replace(at_fault[0], f"text {places[int(at_fault[1])]}", 1)
        raise ServiceError(error.status, error.code, message, error.param) from error


def _places(texts: Sequence[str], before: int) -> list[int]:
    """The numbers of the texts that are asked about, from 1."""
    return [number for number, text in enumerate(texts, before + 1) if text]


def _results(client: Client, path: str, texts: Sequence[str], asked: Mapping[str, Any]) -> list[Json]:
    results: list[Json] = client.json("POST", path, {**asked, "texts": list(texts)})["results"]
    return results


def without(separator: str, result: str) -> str:
    """The result, if the separator is no part of it. Raises SystemExit."""
    if separator not in result:
        return result
    raise SystemExit(f"service: the result {result[:60]!r} contains {separator!r}, which ends a result: use --json")


def _tags(result: Json) -> str:
    return "\t".join(without("\t", tag or "") for tag in result["tags"])


def _label(result: Json) -> str:
    return str(result["label"])


def _text(result: Json) -> str:
    return str(result["text"])


def _likeliest(result: Json) -> str:
    probabilities: dict[str, float] = result["probabilities"]
    return max(probabilities, key=lambda model: probabilities[model])
