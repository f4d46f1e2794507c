"""The reply of `/trace`, and the trace that `/generate` adds to a choice."""

from __future__ import annotations

from typing import Final, NotRequired

import numpy as np
import numpy.typing as npt
from typing_extensions import TypedDict

from charrnn.config import Part
from service.api.schemas.replies.common import SkippedField, closed, with_skipped
from service.api.schemas.rows import Rows, rows
from service.generation.units.selection import UnitId
from service.generation.units.text_trace import TextTrace

DECIMALS: Final = 4
"""The decimals of a cell's value, which in int8 has 255 levels."""
EXACT: Final = 6
"""The decimals of probabilities and bits."""


@closed
class LikelyToken(TypedDict):
    """One of the most likely next tokens."""

    token: str
    probability: float


@closed
class TracedCell(TypedDict):
    """A cell's state after reading each token."""

    layer: int
    unit: int
    part: Part
    values: Rows[float]


@closed
class ChoiceTrace(TypedDict):
    """Parallel lists with one entry per token: `surprisal` in bits (null for the first), and in `top` the five most
    likely next tokens."""

    tokens: Rows[str]
    surprisal: Rows[float | None]
    top: Rows[list[LikelyToken]]
    cells: list[TracedCell]


class TraceReply(ChoiceTrace):
    """What happened in the network while it read a text."""

    model: str
    version: int
    skipped: NotRequired[SkippedField]


def trace_reply(trace: TextTrace) -> TraceReply:
    """The reply for the trace of a given text."""
    return {"model": trace.model, "version": trace.version, **choice_trace(trace), **with_skipped(trace.skipped)}


def choice_trace(trace: TextTrace) -> ChoiceTrace:
    """The trace of a generated text: tokens, surprisal, likeliest tokens and the cells' values."""

    def surprisal(start: int, stop: int) -> list[float | None]:
        return [None if bits is None else round(bits, EXACT) for bits in trace.surprisal[start:stop]]

    def top(start: int, stop: int) -> list[list[LikelyToken]]:
        return [[{"token": token, "probability": round(p, EXACT)} for token, p in top] for top in trace.top[start:stop]]

    return {
        "tokens": rows(trace.tokens),
        "surprisal": Rows(len(trace.surprisal), surprisal),
        "top": Rows(len(trace.top), top),
        "cells": [_cell(cell, values) for cell, values in zip(trace.cells, trace.values, strict=True)],
    }


def _cell(cell: UnitId, values: npt.NDArray[np.float32]) -> TracedCell:
    def rounded(start: int, stop: int) -> npt.NDArray[np.float32]:
        return np.round(values[start:stop], DECIMALS) + np.float32(0)  # 0.0 and not -0.0

    return {"layer": cell.layer, "unit": cell.unit, "part": cell.part, "values": Rows(len(values), rounded)}
