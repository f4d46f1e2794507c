"""Events fit into lines that clients can read, and tell everything in order."""

from __future__ import annotations

import json

import pytest

from service.api.http.sse import LONGEST, Event, event_stream, fitting


@pytest.mark.parametrize("count", [1, 4096, 4097, 100_000])
@pytest.mark.parametrize("character", ["a", "\u4f60", "\U0001f600"])
def test_events_fit_whatever_the_characters(count: int, character: str) -> None:
    text = character * count
    events = list(fitting(count, lambda start, stop: Event({"text": text[start:stop]})))
    assert "".join(event.data["text"] for event in events) == text
    assert max(len(event.text) for event in events) <= LONGEST


def test_items_of_any_size_are_sent_in_order() -> None:
    things = ["x" * size for size in (1, 50_000, 59_000, 1, 2, 3, 100_000, 5)]
    events = list(fitting(len(things), lambda start, stop: Event(things[start:stop])))
    assert [thing for event in events for thing in event.data] == things
    assert [len(event.text) <= LONGEST for event in events].count(False) == 1  # what is too large alone


def test_a_stream_ends_with_done() -> None:
    text = event_stream(iter([Event({"a": 1}, "kind", "7"), None])).get_data(as_text=True)
    assert text == f"id: 7\nevent: kind\ndata: {json.dumps({'a': 1})}\n\ndata: [DONE]\n\n"
