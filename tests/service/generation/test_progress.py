"""What the ids of events say is read again; what was never an id of these events is refused."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.generation.errors import EventIdError
from service.generation.progress import EVENT_ID, ChoiceProgress, StreamProgress

DIGEST = b"a request"

amounts = st.integers(0, 2000)
choices = (
    st.builds(ChoiceProgress, amounts, amounts)
    | st.builds(ChoiceProgress, prompt_ids=amounts)
    | st.just(ChoiceProgress(ended=True))
)


@given(st.lists(choices, min_size=1, max_size=20), st.data())
def test_what_an_id_says_is_read_again(before: list[ChoiceProgress], data: st.DataObject) -> None:
    progress = StreamProgress(DIGEST, before)
    index, now = data.draw(st.integers(0, len(before) - 1)), data.draw(choices)
    read = StreamProgress.read(progress.id_with(index, now), DIGEST, len(before))
    assert [read[at] for at in range(len(before))] == [*before[:index], now, *before[index + 1 :]]
    skipped = StreamProgress.read(progress.id_after_skipped(5), DIGEST, len(before))
    assert ([skipped[at] for at in range(len(before))], skipped.skipped) == (before, 5)
    assert not read.ended and StreamProgress.read(progress.last_id, DIGEST, len(before)).ended


def test_an_id_is_short_however_many_choices_go_on_together() -> None:
    progress = StreamProgress(DIGEST, [ChoiceProgress(1000, 1000)] * 1000)
    assert len(progress.id_with(500, ChoiceProgress(1003, 1003))) < 40


@given(st.from_regex(EVENT_ID, fullmatch=True) | st.text(max_size=40))
def test_another_id_is_refused(event_id: str) -> None:
    with pytest.raises(EventIdError, match="Last-Event-ID must be the id of an event of this request's stream"):
        StreamProgress.read(event_id, DIGEST, 2)


def test_an_id_of_another_request_or_with_other_numbers_is_refused() -> None:
    event_id = StreamProgress(DIGEST, [ChoiceProgress()]).id_with(0, ChoiceProgress(12, 12))
    assert StreamProgress.read(event_id, DIGEST, 1)[0].tokens == 12
    for other, digest, count in (
        (event_id, b"another", 1),
        (event_id, DIGEST, 2),
        (f"{event_id}0", DIGEST, 1),
        (f"{event_id[:-1]}", DIGEST, 1),
        (f"{event_id.partition('-')[0]}-9999999999999", DIGEST, 1),
        (f"{event_id.partition('-')[0]}--1", DIGEST, 1),
    ):
        with pytest.raises(EventIdError):
            StreamProgress.read(other, digest, count)


@pytest.mark.parametrize(
    "written", ["1*999999999999999", "1*2", "9" * 400, "-1", "e*0", "1_2", "", "1.", "p", "s5", "x"]
)
def test_one_that_was_made_up_with_its_digest_is_refused(written: str) -> None:
    name = hashlib.sha256(DIGEST + written.encode()).hexdigest()[:8]
    with pytest.raises(EventIdError):
        StreamProgress.read(f"{name}-{written}", DIGEST, 1)
