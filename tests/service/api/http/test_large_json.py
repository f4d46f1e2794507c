"""Large replies are made while they are sent, and are the JSON that they would be in one piece."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from flask import Response

from service.api.http.large_json import AT_ONCE, PIECE_BYTES, json_response
from service.api.schemas.rows import Rows, rows


def test_a_small_reply_is_whole() -> None:
    reply = json_response({"a": [1, "b"], "c": rows([1.5, None])}, {"X-Cache": "hit"})
    assert (reply.json, reply.headers["X-Cache"]) == ({"a": [1, "b"], "c": [1.5, None]}, "hit")
    assert not reply.is_streamed


@pytest.mark.parametrize("count", [0, 1, AT_ONCE, AT_ONCE + 1, 70_000])
def test_rows_are_a_list(count: int) -> None:
    asked: list[tuple[int, int]] = []

    def part(start: int, stop: int) -> list[Any]:
        asked.append((start, stop))
        return [{"n": n} for n in range(start, stop)]

    reply = json_response({"before": "\u00e9", "deep": [{"rows": Rows(count, part)}], "after": {}})
    expected = {"before": "\u00e9", "deep": [{"rows": [{"n": n} for n in range(count)]}], "after": {}}
    assert json.loads(reply.get_data()) == expected
    assert all(stop - start <= AT_ONCE for start, stop in asked)


def test_a_large_reply_is_made_while_it_is_sent() -> None:
    made = 0

    def part(start: int, stop: int) -> list[int]:
        nonlocal made
        made = stop
        return list(range(start, stop))

    reply: Response = json_response({"rows": Rows(1_000_000, part)})
    assert reply.is_streamed
    assert made < 100_000
    pieces = iter(reply.response)
    assert len(next(pieces)) < 2 * PIECE_BYTES
    assert made < 100_000


def test_numbers_in_arrays_and_lone_surrogates() -> None:
    reply = json_response(
        {
            "a": Rows(2, lambda start, stop: np.array([0.1, 2], np.float32)[start:stop]),
            "b": rows(["\ud800"]),
            "c": "\udc00",
        }
    )
    assert json.loads(reply.get_data()) == {"a": [0.1, 2.0], "b": ["\ud800"], "c": "\udc00"}
