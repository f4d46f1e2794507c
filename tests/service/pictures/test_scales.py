from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from service.pictures.scales import BLUE, ORANGE, RED, WHITE, Colour, Scale, signed, surprisal


def test_signs_have_colours() -> None:
    scale = signed("state")
    assert [scale.colour(value) for value in (-1.0, 0.0, 1.0)] == [RED, WHITE, BLUE]
    assert [scale.colour(value) for value in (-9.0, 9.0)] == [RED, BLUE]
    assert [shown for _, shown in scale.ticks()] == ["-1", "0", "+1"]


def test_a_scale_goes_as_far_as_its_values() -> None:
    scale = signed("state", [0.5, -3.14159])
    assert [shown for _, shown in scale.ticks()] == ["-3.14", "0", "+3.14"]
    assert scale.colour(-3.14159) == RED
    assert (signed("state", [0.1]).low, signed("state", []).high) == (-1, 1)


def test_surprise_is_from_white_to_orange_and_its_lack_has_no_colour() -> None:
    scale = surprisal()
    assert [scale.colour(value) for value in (0.0, 10.0, 50.0)] == [WHITE, ORANGE, ORANGE]
    assert (scale.colour(None), scale.colour(math.nan)) == (None, None)


@given(value=st.floats(-2, 2), other=st.floats(-2, 2))
def test_more_blue_is_more(value: float, other: float) -> None:
    scale = signed("state")
    one, two = scale.colour(min(value, other)), scale.colour(max(value, other))
    assert one is not None
    assert two is not None
    assert one[0] >= two[0] or min(value, other) < 0, "the positive half loses red"
    assert one[2] <= two[2] or max(value, other) > 0, "the negative half loses blue"


def luminance(colour: Colour) -> float:
    """Relative luminance as WCAG 2 defines it."""
    parts = [part / 255 for part in colour]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_black_text_can_be_read_on_every_colour() -> None:
    scales: list[Scale] = [signed("state"), surprisal()]
    for scale in scales:
        for step in range(101):
            colour = scale.colour(scale.low + (scale.high - scale.low) * step / 100)
            assert colour is not None
            assert (luminance(colour) + 0.05) / (luminance((17, 24, 39)) + 0.05) >= 4.5
