from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from service.mirror.schedule import HINTED, LONGEST_PAUSE, SHORTEST, Schedule, Subject


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def schedule(clock: Clock, longest: float = 7.0) -> Schedule:
    return Schedule(Subject("models", lambda: False, longest), clock)


def test_a_look_is_due_at_first_and_soon_after_a_change() -> None:
    clock = Clock()
    looks = schedule(clock)
    assert looks.due_in() <= 0
    looks.looked(changed=True)
    assert looks.due_in() == SHORTEST


def test_what_must_be_seen_sooner_is_looked_at_more_often_while_it_changes() -> None:
    looks = Schedule(Subject("runs", lambda: False, 7.0, 1.5), Clock())
    looks.looked(changed=True)
    assert looks.due_in() == 1.5
    for _ in range(20):
        looks.looked(changed=False)
    assert looks.due_in() == 7.0


@given(st.lists(st.sampled_from(["looked", "failed", "hinted"]), max_size=40))
def test_where_nothing_changes_looks_become_rare_but_no_rarer_than_asked_for(events: list[str]) -> None:
    clock = Clock()
    looks, longest = schedule(clock), 7.0
    for event in events:
        before = looks.due_in()
        if event == "looked":
            looks.looked(changed=False)
            assert SHORTEST <= looks.due_in() <= longest
        elif event == "failed":
            looks.failed()
            assert SHORTEST <= looks.due_in() <= LONGEST_PAUSE
        else:
            looks.hinted()
            assert looks.due_in() <= before
        clock.now += max(0.0, looks.due_in()) / 2


def test_a_hint_brings_a_look_within_a_second_however_many_there_are() -> None:
    clock = Clock()
    looks = schedule(clock)
    looks.looked(changed=False)
    for _ in range(3):
        looks.hinted()
    assert looks.due_in() == HINTED
    clock.now += HINTED + 1
    assert looks.due_in() <= 0


def test_a_store_that_does_not_answer_is_asked_less_and_less_whatever_is_heard() -> None:
    clock = Clock()
    looks = schedule(clock)
    pauses = []
    for _ in range(5):
        looks.failed()
        looks.hinted()
        pauses.append(looks.due_in())
        clock.now += looks.due_in()
    assert pauses == [3, 6, 12, LONGEST_PAUSE, LONGEST_PAUSE]
    looks.looked(changed=False)
    looks.failed()
    assert looks.due_in() == SHORTEST
