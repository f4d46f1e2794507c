"""Traces as JSON: what `/trace` and `/generate` tell of them alike."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from service.api.http.large_json import Rows, rows
from service.generation.cells import CellId
from service.generation.tracing import TextTrace

DECIMALS: Final = 4
"""Of a cell's value, which in int8 is one of 255."""
EXACT: Final = 6
"""Decimals of probabilities and bits."""


def trace_fields(trace: TextTrace) -> dict[str, Any]:
    """Tokens, surprisal, the likeliest and the cells' values, for `json_response`."""

    def surprisal(start: int, stop: int) -> list[float | None]:
        return [None if bits is None else round(bits, EXACT) for bits in trace.surprisal[start:stop]]

    def top(start: int, stop: int) -> list[Any]:
        return [[{"token": token, "probability": round(p, EXACT)} for token, p in top] for top in trace.top[start:stop]]

    return {
        "tokens": rows(trace.tokens),
        "surprisal": Rows(len(trace.surprisal), surprisal),
        "top": Rows(len(trace.top), top),
        "cells": [_cell(cell, values) for cell, values in zip(trace.cells, trace.values, strict=True)],
    }


def _cell(cell: CellId, values: npt.NDArray[np.float32]) -> dict[str, Any]:
    def told(start: int, stop: int) -> npt.NDArray[np.float32]:
        return np.round(values[start:stop], DECIMALS) + np.float32(0)  # 0.0 and not -0.0

    return {"layer": cell.layer, "unit": cell.unit, "part": cell.part, "values": Rows(len(values), told)}
