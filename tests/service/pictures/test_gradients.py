"""Networks beside each other: read back as XML, and compared where their lines are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.pictures.charts import Axis, Line, Panel, document
from service.pictures.gradients import LEAST, WIDTH, panel, side_by_side
from tests.svg import lines, texts

Place = tuple[float, float]


def test_the_layers_of_a_network_before_and_after_training() -> None:
    drawn = panel([("step 0", [[1.0, 0.1], [1.0, 0.2]]), ("step 600", [[1.0, 0.5], [1.0, 0.6]])])
    assert [(line.label, line.dashed) for line in drawn.lines] == [
        ("layer 0, step 0", True),
        ("layer 1, step 0", True),
        ("layer 0, step 600", False),
        ("layer 1, step 600", False),
    ]
    assert drawn.lines[0].colour == drawn.lines[2].colour != drawn.lines[1].colour


def test_what_vanished_is_not_drawn() -> None:
    (line,) = panel([("step 0", [[1.0, LEAST, 0.0, 1e-3]])]).lines
    assert line.points == ((0.0, 1.0), (3.0, 1e-3))
    assert not line.dashed


@given(st.lists(st.lists(st.floats(1e-9, 1e9), min_size=2, max_size=20), min_size=2, max_size=4))
def test_networks_beside_each_other_have_one_scale(networks: list[list[float]]) -> None:
    """The same norm is at the same height in every column, and the same step as far from its left."""
    same = [[1.0, *norms] for norms in networks]
    svg = side_by_side("any", {f"model-{n}": [("step 1", [norms])] for n, norms in enumerate(same)})
    beside, overlaid = lines(svg)[: len(same)], lines(svg)[len(same) :]
    column = WIDTH // len(same)
    for number, line in enumerate(beside):
        x, y = line[0]
        assert (x - number * column, y) == pytest.approx(beside[0][0])
        assert all(number * column <= x <= (number + 1) * column for x, _ in line)
    assert len(overlaid) == len(same)
    assert {line[0] for line in overlaid} == {overlaid[0][0]}


def test_one_network_is_drawn_once() -> None:
    assert len(lines(side_by_side("any", {"alone": [("step 1", [[1.0, 0.5]])]}))) == 1


def test_a_long_name_leaves_room_for_the_others() -> None:
    names = [f"{'x' * 40}@{n}" for n in (1, 2)]
    said = texts(side_by_side("any", {name: [("step 1", [[1.0, 0.5]])] for name in names}))
    assert [each for each in said if each.endswith(("@1", "@2"))] == [f"\u2026{'x' * 15}@{n}" for n in (1, 2, 1, 2)]


def test_a_column_with_nothing_to_show_says_so_beside_the_others() -> None:
    whole = Panel("whole", Axis("x"), Axis(), (Line("l", "#000", ((0.0, 1.0), (1.0, 2.0))),))
    svg = document("any", [(whole, Panel("empty", Axis("x"), Axis(), ()))])
    assert {"whole", "empty", "nothing is measured yet"} <= set(texts(svg))
    assert len(lines(svg)) == 1
    assert "nothing is measured yet" in texts(document("any", [(Panel("empty", Axis(), Axis(), ()),)]))
