"""Traces as JSON: what `/trace` and `/generate` tell of them alike, and numbers by the million in a moment."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import orjson

from service.generation.cells import CellId
from service.generation.tracing import TextTrace

DECIMALS: Final = 4
"""Of a cell's value, which in int8 is one of 255."""
EXACT: Final = 6
"""Decimals of probabilities and bits."""


def trace_fields(trace: TextTrace) -> dict[str, Any]:
    """Tokens, surprisal, the likeliest and the cells' values, which only `encoded` can write."""
    values = np.round(trace.values, DECIMALS) + np.float32(0)  # 0.0 and not -0.0
    return {
        "tokens": list(trace.tokens),
        "surprisal": [None if bits is None else round(bits, EXACT) for bits in trace.surprisal],
        "top": [[{"token": token, "probability": round(p, EXACT)} for token, p in top] for top in trace.top],
        "cells": [_cell(cell, row) for cell, row in zip(trace.cells, values, strict=True)],
    }


def encoded(reply: Mapping[str, Any]) -> bytes:
    """The JSON of a reply, which may have traces in it."""
    try:
        return orjson.dumps(reply)
    except TypeError:  # a lone surrogate, which a vocabulary may have and only the slower one writes
        return json.dumps(reply, default=lambda fragment: json.loads(orjson.dumps(fragment))).encode()


def _cell(cell: CellId, values: npt.NDArray[np.float32]) -> orjson.Fragment:
    """A cell, encoded by itself: other threads come to their turn between one and the next."""
    told = {"layer": cell.layer, "unit": cell.unit, "part": cell.part, "values": values}
    return orjson.Fragment(orjson.dumps(told, option=orjson.OPT_SERIALIZE_NUMPY))
