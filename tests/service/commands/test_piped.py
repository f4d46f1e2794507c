"""A pipe's texts come in order, whatever pieces its bytes come in, and no more at a time than a request may have."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.api.schemas.texts import MOST_TEXTS
from service.commands.piped import MOST_CHARACTERS, batches, unescaped
from service.processes.preflight import StartError


@given(texts=st.lists(st.text("aé😀 ", max_size=5), min_size=1), size=st.integers(1, 9), ends=st.booleans())
def test_texts_do_not_depend_on_how_their_bytes_arrive(texts: list[str], size: int, ends: bool) -> None:
    for separator in ("\n", "--", "\0"):
        data = (separator.join(texts) + separator * ends).encode()
        pieces = [data[at : at + size] for at in range(0, len(data), size)]
        found = [text for batch in batches(pieces, separator) for text in batch]
        assert found == (texts if ends or texts[-1] else texts[:-1])


def test_what_has_arrived_comes_at_once() -> None:
    arriving = iter([b"a\nb\r\nc", b"\n\n"])
    found = batches(arriving, "\n")
    assert next(found) == ["a", "b"]
    assert next(arriving, None) == b"\n\n", "nothing was read ahead"


def test_batches_are_bounded() -> None:
    many = b"a\n" * (2 * MOST_TEXTS + 5)
    assert [len(batch) for batch in batches([many], "\n")] == [MOST_TEXTS, MOST_TEXTS, 5]
    long = MOST_CHARACTERS // 2
    sizes = [
        [len(text) for text in batch] for batch in batches([b"\n".join([b"a" * long] * 3 + [b"b" * 3 * long])], "\n")
    ]
    assert sizes == [[long, long], [long], [3 * long]]


def test_what_is_not_utf_8() -> None:
    with pytest.raises(StartError, match="valid UTF-8: byte 0xff is not"):
        list(batches([b"a\n", b"\xff"], "\n"))
    with pytest.raises(StartError, match="byte 0xc3"):
        list(batches([b"a\n\xc3"], "\n"))
    assert list(batches([b"\xef\xbb\xbfa\n"], "\n")) == [["a"]], "a byte order mark is no text"


def test_a_separator_as_it_is_typed() -> None:
    assert [unescaped(text) for text in (r"\n", r"\0", r"--\t", r"\\n", "é")] == ["\n", "\0", "--\t", r"\n", "é"]
    with pytest.raises(ValueError, match="at least one character"):
        unescaped("")
