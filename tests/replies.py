"""The types of replies by the names that the document of the routes has for them, and the events of a stream."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any, NamedTuple

from pydantic import TypeAdapter

from service.api.schemas import replies


def shape(name: str) -> TypeAdapter[Any]:
    """The type of this name."""
    for module in pkgutil.iter_modules(replies.__path__, f"{replies.__name__}."):
        if (found := getattr(importlib.import_module(module.name), name, None)) is not None:
            return TypeAdapter(found)
    raise LookupError(name)


class SentEvent(NamedTuple):
    """An event of a stream, its data as it was sent."""

    id: str
    data: str


def sent_events(text: str) -> list[SentEvent]:
    """The events of a stream, `[DONE]` among them; no comments."""
    blocks = [block for block in text.split("\n\n") if block and not block.startswith(":")]
    fields = [dict(line.split(": ", 1) for line in block.split("\n")) for block in blocks]
    return [SentEvent(each.get("id", ""), each["data"]) for each in fields]
