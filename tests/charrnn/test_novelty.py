from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.fingerprints import fingerprints
from charrnn.novelty import HEADER, KnownTexts, load
from durable.reading import DamagedFileError

NAMES = [f"name {number}" for number in range(20_000)]


def known(texts: list[str]) -> KnownTexts:
    found = KnownTexts.room_for(len(texts))
    found.add(fingerprints(texts))
    return found


@given(st.lists(st.text(max_size=5), max_size=30))
def test_every_text_that_was_added_is_known(texts: list[str]) -> None:
    found = known(texts)
    assert found.contains_all(texts).all()
    assert all(text in found for text in texts)
    assert found.texts == len(texts)


def test_few_others_are_taken_for_known_ones() -> None:
    """Twice the rate is more than ten standard deviations away."""
    found = known(NAMES)
    others = [f"other {number}" for number in range(200_000)]
    rate = float(found.contains_all(others).mean())
    assert 0.5 * found.false_positive_rate < rate < 2 * found.false_positive_rate
    assert 1 / 4000 < found.false_positive_rate < 1 / 1500


def test_it_takes_two_bytes_a_text() -> None:
    assert len(known(NAMES).to_bytes()) <= HEADER + 2 * len(NAMES)


def test_texts_may_be_added_in_parts() -> None:
    found = KnownTexts.room_for(len(NAMES))
    for start in range(0, len(NAMES), 7001):
        found.add(fingerprints(NAMES[start : start + 7001]))
    assert found.to_bytes() == known(NAMES).to_bytes()


def test_an_empty_set_knows_nothing() -> None:
    found = KnownTexts.room_for(0)
    assert "" not in found
    assert found.false_positive_rate == 0
    assert found.contains_all([]).shape == (0,)


def test_a_file_says_its_rate_and_is_read_back(tmp_path: Path) -> None:
    found = known(NAMES)
    path = tmp_path / "3.known"
    found.save(path)
    header = json.loads(path.read_bytes()[:HEADER])
    assert header["texts"] == 20_000
    assert header["false_positive_rate"] == found.false_positive_rate
    again = load(path)
    assert again.to_bytes() == found.to_bytes()
    assert again.contains_all(NAMES).all()
    with pytest.raises(ValueError, match="read-only"):
        again.add(fingerprints(["more"]))


def flipped(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda data: b"", "does not begin as a set of known texts does"),
        (lambda data: data[:100], "does not begin as a set of known texts does"),
        (lambda data: b"[]" + data[2:], "does not begin as a set of known texts does"),
        (lambda data: data.replace(b"texts 1", b"texts 2"), "does not begin as a set of known texts does"),
        (lambda data: data[:HEADER], "has 0 of 1600 bits"),
        (lambda data: data[:-8], "has .* of .* bits"),
        (lambda data: data + b"\0" * 8, "has .* of .* bits"),
        (flipped, "does not match its checksum"),
    ],
)
def test_a_damaged_file_is_refused(damage: Callable[[bytes], bytes], message: str, tmp_path: Path) -> None:
    path = tmp_path / "3.known"
    path.write_bytes(damage(known(NAMES[:100]).to_bytes()))
    with pytest.raises(DamagedFileError, match=f"3.known {message}"):
        load(path)


def test_what_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "none")
    with pytest.raises(DamagedFileError, match="is a folder"):
        load(tmp_path)


@given(st.integers(1, 50_000))
def test_places_spread_over_all_bits(texts: int) -> None:
    """Half of the bits are set when it is full."""
    found = KnownTexts.room_for(texts)
    found.add(np.arange(texts, dtype=np.uint64))
    share = found.false_positive_rate ** (1 / 11)
    assert abs(share - 0.5) < 1 / np.sqrt(texts) + 0.02
