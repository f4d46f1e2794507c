"""PPM and xz beside a network."""

from __future__ import annotations

import math
import random

import pytest

from charrnn.yardsticks import ppm_loss, yardsticks


def test_characters_by_chance_cost_their_entropy() -> None:
    chosen = random.Random(0).choices("abcdefgh", k=60_000)
    found = yardsticks("".join(chosen[:40_000]), "".join(chosen[40_000:]))
    assert (found.training, found.held_out) == (40_000, 20_000)
    assert math.log(8) < found.ppm < 1.1 * math.log(8)  # contexts say nothing, and cost something
    assert math.log(8) < found.xz < 1.4 * math.log(8)


def test_xz_copies_and_ppm_counts() -> None:
    text = "".join(random.Random(1).choices("äöü漢字", k=5_000))
    found = yardsticks(text, text)
    assert found.xz < 0.1
    assert found.ppm > 1  # its contexts are too short to tell one place from another


def test_an_order_is_how_far_back_ppm_looks() -> None:
    rng, text = random.Random(2), "abab"
    follows: dict[str, str] = {}
    for _ in range(30_000):
        usual = follows.setdefault(text[-4:], rng.choice("ab"))
        text += usual if rng.random() < 0.9 else rng.choice("ab")
    training, held_out = text[:20_000], text[20_000:]
    assert ppm_loss(training, held_out, 6) < ppm_loss(training, held_out, 2) - 0.1


def test_nothing_held_out() -> None:
    with pytest.raises(ValueError, match="no held-out text"):
        yardsticks("text", "")
