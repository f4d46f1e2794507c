"""The types of replies by the names that the document of the routes has for them."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

from pydantic import TypeAdapter

from service.api.schemas import replies


def shape(name: str) -> TypeAdapter[Any]:
    """The type of this name."""
    for module in pkgutil.iter_modules(replies.__path__, f"{replies.__name__}."):
        if (found := getattr(importlib.import_module(module.name), name, None)) is not None:
            return TypeAdapter(found)
    raise LookupError(name)
