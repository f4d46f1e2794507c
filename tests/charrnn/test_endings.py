"""What an id does to a text is what `StopMatcher` does with its token."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from charrnn.endings import Until
from charrnn.stopping import StopMatcher

STRINGS = st.text("ab ", min_size=1, max_size=3)
TOKENS = st.lists(STRINGS, min_size=1, max_size=8, unique=True)


@given(TOKENS, st.sets(STRINGS, max_size=4), st.data())
def test_the_states_stand_for_texts(tokens: list[str], strings: set[str], data: st.DataObject) -> None:
    until = Until(tokens, sorted(strings))
    matcher, text, begun = StopMatcher(sorted(strings)), "", ""
    for id_ in data.draw(st.lists(st.integers(0, len(tokens) - 1), max_size=12)):
        endings = until.after(begun)
        passed_before = len(text)
        matcher.feed(tokens[id_])
        if matcher.stopped:
            later = dict(endings.elsewhere).get(id_, 0 if id_ in endings.here else None)
            assert not endings.goes_on[id_] and later is not None
            whole = StopMatcher(sorted(strings))
            assert len(whole.feed(text + tokens[id_])) == passed_before + later
            return
        assert endings.goes_on[id_] and id_ not in endings.here and id_ not in dict(endings.elsewhere)
        text, begun = text + tokens[id_], endings.begun.get(id_, "")
        assert begun == matcher.pending.text


def test_barred_ids_do_nothing() -> None:
    endings = Until(["a", " ", "b"], (" ",), barred=[1, 2]).after()
    assert endings.goes_on.tolist() == [True, False, False]
    assert not endings.here.size and not endings.elsewhere


def test_strings_within_tokens() -> None:
    assert not Until(["the", " ", "\r", "a"], (" ", "\n", "the")).cuts_tokens
    assert Until(["bathe", " "], ("the",)).cuts_tokens, "it ends the token"
    assert Until(["at", "he"], ("the",)).cuts_tokens, "it begins within a token"
    assert Until(["hello"], ("l",)).cuts_tokens
    assert not Until(["hello"], ("hell",)).cuts_tokens, "it begins where the token begins"
