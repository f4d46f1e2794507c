"""Command-line options that several commands share: for the fields of a request body, derived from its schema, and for
how a text is decoded."""

from __future__ import annotations

import argparse
import json
from collections.abc import Collection, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, get_args

from service.api.schemas.base import Body
from service.training.corpora.decoding import Newlines

TYPES: Final = {"integer": int, "number": float, "string": str}
Schema = dict[str, Any]
NONE: Final[Mapping[str, Any]] = MappingProxyType({})


def add_options(
    parser: Any, body: type[Body], leave_out: Collection[str] = (), defaults: Mapping[str, Any] = NONE
) -> None:
    """Add an option for each field of the body that is not left out; `defaults` are shown instead of the body's."""
    for name, field in body.model_json_schema()["properties"].items():
        if name not in leave_out:
            shown = defaults.get(name, field.get("default"))
            kind = _kind(field)
            several = kind.get("action") == "append"
            parser.add_argument(f"--{name.replace('_', '-')}", **kind, help=_help(field, shown, several))


def add_decoding(parser: argparse.ArgumentParser, file: str) -> None:
    """Add the options that say how a text is decoded; `file` is what the help calls it."""
    parser.add_argument("--encoding", help=f"encoding of {file}, such as cp1251 (default: detected)")
    parser.add_argument("--newlines", choices=get_args(Newlines), help="line endings: convert to LF (default), or keep")


def given(parsed: argparse.Namespace, body: type[Body], leave_out: Collection[str] = ()) -> dict[str, Any]:
    """The fields of the body for which an option was given."""
    names = (name for name in body.model_fields if name not in leave_out)
    return {name: value for name in names if (value := getattr(parsed, name)) is not None}


def _kind(field: Schema) -> dict[str, Any]:
    """The arguments of argparse for a field."""
    forms = [form for form in _forms(field) if form.get("type") != "null"]
    kinds = {form.get("type") for form in forms}
    if len(kinds) > 1:  # a boolean alternative to a number means the default, which omitting the option gives too
        kinds.discard("boolean")
        forms = [form for form in forms if form.get("type") in kinds]
    if kinds == {"boolean"}:
        return {"action": argparse.BooleanOptionalAction}
    if choices := forms[0].get("enum"):
        return {"choices": choices}
    if kinds == {"string", "object"}:
        return {"type": json_object, "metavar": "FILE|JSON"}
    if kinds <= {"string", "array"} and any(form.get("items", {}).get("type") == "string" for form in forms):
        return {"action": "append", "metavar": "TEXT"}
    kind = TYPES.get(forms[0].get("type", ""), _json) if len(kinds) == 1 else _json
    return {"type": kind, "metavar": "JSON" if kind is _json else "TEXT" if kind is str else "N"}


def _forms(field: Schema) -> list[Schema]:
    """The alternatives of a field, and those within them."""
    alternatives = field.get("anyOf") or field.get("oneOf")
    return [form for each in alternatives for form in _forms(each)] if alternatives else [field]


def _help(field: Schema, default: Any, several: bool) -> str:
    shown = default if isinstance(default, str) else json.dumps(default)
    text: str = field.get("description", "") + (" (given once for each string)" if several else "")
    return (text + (f" (default: {shown})" if default not in (None, []) else "")).replace("%", "%%")


def json_object(text: str) -> str:
    """The text of a JSON object, given as it is or as the name of a file with it."""
    if text.lstrip().startswith("{"):
        return text
    try:
        return Path(text).read_text("utf-8-sig")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8"
        raise argparse.ArgumentTypeError(f"neither a JSON object nor a file: {text!r} ({reason})") from error


def _json(text: str) -> Any:
    return json.loads(text)


_json.__name__ = "JSON"  # argparse's message names this type
