"""Processes of two machines publish to one name, and ten change one alias, each time at the same moment, on a real S3
server."""

from __future__ import annotations

import time
from itertools import pairwise
from pathlib import Path

import pytest

from tests.object_server import ObjectServer
from tests.scale.figures import shown
from tests.scale.writers import NAME, Place, at_once, point, publish

pytestmark = [pytest.mark.system, pytest.mark.scale]

MOMENTS = 1000
WRITERS, CHANGES = 10, 20


@pytest.fixture
def places(object_server: ObjectServer, tmp_path: Path) -> list[Place]:
    found = [Place(tmp_path / name, f"races/{tmp_path.name}", object_server.settings()) for name in ("one", "two")]
    for each in found:
        each.folder.mkdir()
    return found


def test_two_machines_that_publish_a_thousand_times_leave_no_gap_and_give_no_number_twice(places: list[Place]) -> None:
    began = time.monotonic()
    first, second = at_once(publish, places, 2, MOMENTS)
    took = time.monotonic() - began
    assert sorted(map(int, [*first, *second])) == list(range(1, 2 * MOMENTS + 1))
    published = first | second
    for place in places:
        store = place.store()
        store.refresh()
        assert store.versions(NAME) == list(range(1, 2 * MOMENTS + 1))
        assert {str(number): store.describe(NAME, number).digest for number in store.versions(NAME)} == published
    shown("races", ("publications, two at a time", "seconds", "gaps", "doubles"), [(2 * MOMENTS, f"{took:.0f}", 0, 0)])


def test_ten_writers_of_an_alias_lose_no_change(places: list[Place]) -> None:
    at_once(publish, places, 2, 1)
    made = at_once(point, places, WRITERS, CHANGES)
    for place in places:
        store = place.store()
        store.refresh()
        changes = store.history(NAME)
        assert sorted(each.reason for each in changes) == sorted(reason for each in made for reason in each)
        assert all(before.version != after.version for before, after in pairwise(changes))
    shown("aliases", ("writers", "changes made, each once in the history"), [(WRITERS, sum(map(len, made)))])
