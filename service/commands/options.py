"""Command-line options that several commands share: for the fields of a request body, derived from its schema, and for
how a text is decoded."""

from __future__ import annotations

import argparse
import json
from collections.abc import Collection, Mapping
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
            parser.add_argument(f"--{name.replace('_', '-')}", **_kind(field), help=_help(field, shown))


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
    forms = [form for form in field.get("anyOf", [field]) if form.get("type") != "null"]
    kinds = {form.get("type") for form in forms}
    if len(kinds) > 1:  # a boolean alternative to a number means the default, which omitting the option gives too
        kinds.discard("boolean")
        forms = [form for form in forms if form.get("type") in kinds]
    if kinds == {"boolean"}:
        return {"action": argparse.BooleanOptionalAction}
    if choices := forms[0].get("enum"):
        return {"choices": choices}
    if kinds == {"string", "array"}:
        return {"action": "append", "metavar": "TEXT"}
    kind = TYPES.get(forms[0].get("type", ""), _json) if len(kinds) == 1 else _json
    return {"type": kind, "metavar": "JSON" if kind is _json else "TEXT" if kind is str else "N"}


def _help(field: Schema, default: Any) -> str:
    shown = default if isinstance(default, str) else json.dumps(default)
    text: str = field.get("description", "") + (f" (default: {shown})" if default not in (None, []) else "")
    return text.replace("%", "%%")


def _json(text: str) -> Any:
    return json.loads(text)


_json.__name__ = "JSON"  # argparse's message names this type
