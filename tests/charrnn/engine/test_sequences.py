"""A member follows a plain account of its sequence, step by step, and reports everything once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.config import ModelConfig
from charrnn.engine.base import Output, Sequence, State
from charrnn.engine.sequences import Member, Members, check, outputs_of
from charrnn.sampling import RECENT_IDS, SamplingParams
from charrnn.vocabulary import Ids
from tests.charrnn.engine.choosing import NOTHING

V = 9
CONFIG = ModelConfig(V, "gru", 4, 2)
HIDDEN = np.zeros(CONFIG.state_shape, np.float32)
PROMPT = st.lists(st.integers(0, V - 1), min_size=1, max_size=2 * RECENT_IDS)


def ids_of(*values: int) -> Ids:
    return np.array(values, dtype=np.int32)


def member_of(sequence: Sequence) -> Member:
    return Member.of(5, 2, sequence, None, V)


def advance(member: Member, steps: int) -> None:
    """What an engine does: it chooses 0, 1, 2 and so on, and the logarithm of an id is minus its index."""
    for _ in range(min(steps, member.remaining)):
        index = member.computed + 1
        if index >= member.prompt_size:
            member.ids[index] = (index - member.prompt_size) % V
        if member.logprobs is not None and index in member.reported_ids:
            member.logprobs.chosen[index] = -index
            member.logprobs.top_ids[index] = member.logprobs.top[index] = index
        member.advance_to(index)


def ids_in(outputs: list[Output]) -> list[int]:
    return [id_ for output in outputs for id_ in output.ids.tolist()]


@given(prompt=PROMPT, length=st.integers(0, 150), steps=st.lists(st.integers(0, 60), max_size=9))
def test_the_state_is_that_of_the_plain_account(prompt: list[int], length: int, steps: list[int]) -> None:
    member = member_of(Sequence(ids_of(*prompt), length))
    everything = [*prompt, *(i % V for i in range(length))]
    for n in [*steps, 1000]:
        advance(member, n)
        known = member.computed + 1
        state = member.state(HIDDEN)
        assert state.hidden is HIDDEN
        assert state.last_id == member.last_id == everything[known - 1]
        assert member.id_before_last == (everything[known - 2] if known > 1 else -1)
        assert state.position == max(0, known - len(prompt))
        assert state.recent.tolist() == everything[:known][-RECENT_IDS:]
        assert state.generated.tolist() == [i >= len(prompt) for i in range(known)][-RECENT_IDS:]
        assert (state.recent.dtype.name, state.generated.dtype.name) == ("int32", "bool")
    assert member.remaining == 0 and known == len(everything)


@given(prompt=PROMPT, length=st.integers(0, 90), cut=st.integers(0, 200), more=st.lists(st.integers(0, V - 1)))
def test_a_sequence_that_goes_on_from_a_state_remembers_what_came_before(
    prompt: list[int], length: int, cut: int, more: list[int]
) -> None:
    first = member_of(Sequence(ids_of(*prompt), length))
    advance(first, cut)
    state = first.state(HIDDEN)
    second = member_of(Sequence(ids_of(*more), 7, state=state))
    assert second.last_id == state.last_id and second.id_before_last == first.id_before_last
    np.testing.assert_array_equal(second.latest()[0], state.recent)
    np.testing.assert_array_equal(second.latest()[1], state.generated)
    advance(second, len(more) + 7)
    after = second.state(HIDDEN)
    assert after.position == state.position + 7
    assert after.recent.tolist() == [*state.recent.tolist(), *more, *range(7)][-RECENT_IDS:]
    assert after.generated.tolist() == [*state.generated.tolist(), *[False] * len(more), *[True] * 7][-RECENT_IDS:]


@pytest.mark.parametrize("n", range(RECENT_IDS - 2, RECENT_IDS + 3))
def test_what_came_before_a_state_is_forgotten_once_as_many_ids_have_come_after_it(n: int) -> None:
    state = State(HIDDEN, 8, 4, ids_of(6, 7, 8), np.array([False, True, True]))
    member = member_of(Sequence(ids_of(), n, state=state))
    advance(member, n)
    ids, generated = member.latest()
    assert ids.tolist() == [6, 7, 8, *(i % V for i in range(n))][-RECENT_IDS:]
    assert generated.tolist() == [False, *[True] * (n + 2)][-RECENT_IDS:]


@given(prompt=PROMPT, end=st.integers(0, V - 1), steps=st.lists(st.integers(1, 9), max_size=9), goes_on=st.booleans())
def test_what_follows_the_end_does_not_count(prompt: list[int], end: int, steps: list[int], goes_on: bool) -> None:
    state = State(HIDDEN, 3, 1, ids_of(3), np.ones(1, np.bool_)) if goes_on else None
    member = member_of(Sequence(ids_of(*prompt), 20, SamplingParams(logprobs=1), state, end_id=end))
    chosen, outputs = np.arange(20) % V, []
    member.ids[member.prompt_size :] = chosen  # an engine may have chosen further ids before it looks for the end
    for n in [*steps, 1000]:
        if member.remaining:
            member.advance_to(member.computed + min(n, member.remaining))
            outputs += outputs_of([member])
    assert ids_in(outputs) == chosen[: end + 1].tolist()
    assert [output.done for output in outputs] == [False] * (len(outputs) - 1) + [True]
    assert [output.ended for output in outputs] == [output.done for output in outputs]
    assert sum(output.logprobs.chosen.size for output in outputs if output.logprobs) == end + 1
    assert member.last_id == end and member.state(HIDDEN).position == end + 1 + goes_on
    assert member.remaining == 0


def test_a_state_is_a_copy() -> None:
    member = member_of(Sequence(ids_of(1, 2), 3))
    member.latest()[0][:] = 8
    assert member.ids[0] == 1


@given(
    prompt=PROMPT,
    length=st.integers(0, 40),
    steps=st.lists(st.integers(0, 30), max_size=9),
    logprobs=st.none() | st.integers(0, V + 3),
    score=st.booleans(),
    goes_on=st.booleans(),
)
def test_everything_is_reported_once(
    prompt: list[int], length: int, steps: list[int], logprobs: int | None, score: bool, goes_on: bool
) -> None:
    state = State(HIDDEN, 3, 1, ids_of(3), np.ones(1, np.bool_)) if goes_on else None
    member = member_of(Sequence(ids_of(*prompt), length, SamplingParams(logprobs=logprobs), state, score))
    outputs = []
    for n in [*steps, 1000]:
        advance(member, n)
        outputs += outputs_of([member])
        assert member.output() is None
    assert [output.handle for output in outputs] == [5] * len(outputs)
    assert ids_in(outputs) == [i % V for i in range(length)]
    assert [output.done for output in outputs] == [False] * (len(outputs) - 1) + [True]
    assert all(output.ids.size or output.done or output.prompt_logprobs for output in outputs)
    top = min(logprobs or 0, V)
    scored = [output.prompt_logprobs for output in outputs if output.prompt_logprobs is not None]
    assert len(scored) == score
    before = len(prompt) + goes_on
    for each in scored:
        expected = [-i for i in range(1, before)] if goes_on else [np.nan, *(-i for i in range(1, before))]
        np.testing.assert_array_equal(each.chosen, np.array(expected, np.float32))
        assert each.top_ids.shape == each.top.shape == (len(prompt), top)
    for output in outputs:
        assert (output.logprobs is None) == (logprobs is None)
    found = [number for output in outputs if output.logprobs for number in output.logprobs.chosen.tolist()]
    assert found == ([-i for i in range(before, before + length)] if logprobs is not None else [])


def test_the_prompts_logprobs_come_as_soon_as_it_is_read() -> None:
    member = member_of(Sequence(ids_of(1, 2, 3), 2, score=True))
    advance(member, 1)
    assert member.output() is None
    advance(member, 1)
    output = member.output()
    assert output is not None and output.prompt_logprobs is not None and not output.ids.size and not output.done


def test_a_prompt_that_is_read_is_nothing_new_by_itself() -> None:
    member = member_of(Sequence(ids_of(1, 2, 3), 2))
    advance(member, 2)
    assert member.computed + 1 == member.prompt_size and member.output() is None
    advance(member, 1)
    output = member.output()
    assert output is not None and output.ids.tolist() == [0] and not output.done


def test_members_have_a_slot_each_until_they_are_removed() -> None:
    members = Members(CONFIG, 2)
    first, second = members.add(Sequence(ids_of(1), 5)), members.add(Sequence(ids_of(2), 5))
    assert {first.slot, second.slot} == {0, 1} and first.handle != second.handle
    assert members[first.handle] is first and members.by_slot[second.slot] is second and len(members) == 2
    with pytest.raises(OverflowError, match="the batch is full with 2 sequences"):
        members.add(Sequence(ids_of(3), 5))
    assert members.remove(first.handle) is first
    for gone in (members.remove, members.__getitem__):
        with pytest.raises(KeyError):
            gone(first.handle)
    third = members.add(Sequence(ids_of(3), 5))
    assert third.slot == first.slot and third.handle not in {first.handle, second.handle}
    assert members.active() == [second, third]
    advance(second, 9)
    assert members.active() == [third]


def test_what_has_nothing_to_do_is_done_at_once_and_once_unless_it_is_removed() -> None:
    members = Members(CONFIG, 3)
    done, removed, _ = (members.add(Sequence(ids_of(1), n)) for n in (0, 0, 1))
    members.remove(removed.handle)
    assert members.done_at_once() == [done]
    assert members.done_at_once() == []
    assert done not in members.active()


def test_a_bias_is_made_once_for_all_engines() -> None:
    members = Members(CONFIG, 2)
    biased = members.add(Sequence(ids_of(1), 1, SamplingParams(logit_bias=((2, 1.5),))))
    assert biased.bias is not None and biased.bias.tolist() == [0, 0, 1.5, *[0] * 6]
    assert members.add(Sequence(ids_of(1), 1)).bias is None


def test_a_batch_holds_at_least_one() -> None:
    with pytest.raises(ValueError, match="capacity must be at least 1, not 0"):
        Members(CONFIG, 0)


STATE = State(HIDDEN, 1, 0, ids_of(1), np.zeros(1, np.bool_))
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"prompt": ids_of()}, "a sequence needs a prompt of at least one id, or a state to continue from"),
    ({"length": -1}, "length must be at least 0, not -1"),
    ({"end_id": V}, "end_id must be from 0 to 8, not 9"),
    ({"end_id": -1}, "end_id must be from 0 to 8, not -1"),
    ({"prompt": ids_of(1, V)}, "ids must be from 0 to 8, not 1 to 9"),
    ({"prompt": ids_of(-1)}, "ids must be from 0 to 8, not -1 to -1"),
    ({"state": replace(STATE, last_id=V)}, "ids must be from 0 to 8, not 1 to 9"),
    ({"state": replace(STATE, recent=ids_of(-2, 1))}, "ids must be from 0 to 8, not -2 to 1"),
    (
        {"prompt": ids_of(), "state": State(np.zeros((1, 1, 3), np.float32), 0, 0, *NOTHING)},
        r"the state must have shape \(2, 1, 4\), not \(1, 1, 3\)",
    ),
]


@pytest.mark.parametrize(("fields", "message"), REFUSED)
def test_a_sequence_that_cannot_run_is_refused(fields: dict[str, Any], message: str) -> None:
    sequence = replace(Sequence(ids_of(1), 3), **fields)
    with pytest.raises(ValueError, match=f"^{message}$"):
        check(sequence, CONFIG)


@pytest.mark.parametrize(
    "sequence",
    [Sequence(ids_of(0, V - 1), 0), Sequence(ids_of(), 3, state=STATE), Sequence(ids_of(4), 1, state=STATE)],
)
def test_a_sequence_that_can_run_is_not(sequence: Sequence) -> None:
    check(sequence, CONFIG)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        (SamplingParams(logit_bias=((V, 1.0),)), "from 0 to 8, not 9"),
        (SamplingParams(allowed_token_ids=(3, -1)), "from 0 to 8, not -1"),
        (SamplingParams(allowed_token_ids=()), "at least one id"),
    ],
)
def test_what_is_refused_takes_no_slot(params: SamplingParams, message: str) -> None:
    members = Members(CONFIG, 1)
    with pytest.raises(ValueError, match=message):
        members.add(Sequence(ids_of(1), 5, params))
    assert len(members) == 0
    members.add(Sequence(ids_of(1), 5))


def test_labels_are_not_read() -> None:
    config = ModelConfig(V, "gru", 4, output_size=V + 1)
    check(Sequence(ids_of(1), 1), config)
    with pytest.raises(ValueError, match="length must be at most 1 where labels are chosen, not 2"):
        check(Sequence(ids_of(1), 2), config)
    check(Sequence(ids_of(1), 2), ModelConfig(V, "gru", 4, output_size=V))
