from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.training.jobs.event_log import line_of
from service.training.jobs.run_files import PLAN, STATUS
from service.training.jobs.shared_head import Changes, Head, Holder, Reference

VALUES = st.dictionaries(st.text(), st.floats(allow_nan=False) | st.text() | st.none(), max_size=3)
POINT = Reference("resume-000000000001-1-aa", 3, "aa")


def changes_of(files: dict[str, Any], events: list[dict[str, Any]]) -> Changes:
    changes = Changes()
    for name, value in files.items():
        changes.put(name, value)
    for event in events:
        changes.log("metrics", event)
    return changes


@given(st.dictionaries(st.sampled_from(["a.json", "b.json"]), VALUES), st.lists(VALUES, max_size=3))
def test_a_head_is_read_as_it_was_written(files: dict[str, Any], events: list[dict[str, Any]]) -> None:
    head = Head(points=(POINT,)).after(changes_of(files, events), cancel=True, holder=Holder(3, "host:1", 7, False))
    assert Head.from_bytes(head.to_bytes()) == head
    assert head.files == files
    assert head.tail.encode() == b"".join(line_of("metrics", event) for event in events)
    assert head.log_size == len(head.tail.encode())


@given(st.lists(st.tuples(st.sampled_from("ab"), st.none() | VALUES), max_size=6), st.integers(0, 6))
def test_changes_may_be_stored_together_or_one_after_the_other(
    writes: list[tuple[str, dict[str, Any] | None]], split: int
) -> None:
    parts = (Changes(), Changes())
    for number, (name, value) in enumerate(writes):
        part = parts[number >= split]
        part.log("samples", {"step": number})
        if value is None:
            part.drop(name)
        else:
            part.put(name, value)
    together = Head().after(parts[0].then(parts[1]))
    apart = Head().after(parts[0]).after(parts[1])
    assert (together.files, together.tail) == (apart.files, apart.tail)


def test_no_two_heads_are_the_same() -> None:
    head = Head()
    again = head.after(changes_of({STATUS: {"status": "running"}}, [])).after(changes_of({}, []))
    assert again.counter == 2
    assert len({head.to_bytes(), Head().to_bytes(), again.to_bytes(), head.after(Changes()).to_bytes()}) == 4


def test_a_job_that_has_ended_has_no_resume_points() -> None:
    head = Head().after(changes_of({PLAN: {}}, []))
    changes = Changes()
    changes.points = (POINT,)
    assert head.after(changes).points == (POINT,)
    assert head.after(changes).after(changes_of({STATUS: {"status": "cancelled"}}, [])).points == ()


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"{", b'{"counter": "x"}', json.dumps({"files": {STATUS: {"status": "odd"}}}).encode()]
)
def test_what_is_no_head_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError):
        Head.from_bytes(data)
