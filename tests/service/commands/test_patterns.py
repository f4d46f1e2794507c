"""Where a pattern is wrong, and what was left out of it, as the commands show it."""

from __future__ import annotations

import pytest

from service.client import ServiceError
from service.commands.patterns import WIDTH, pointed, pointing, warn_of_skipped


@pytest.mark.parametrize(
    ("source", "position", "shown"),
    [
        ("a(b", 1, "  a(b\n   ^"),
        ("a(b", 3, "  a(b\n     ^"),
        ("", 0, "  \n  ^"),
        ("ab\nc(d\ne", 4, "  c(d\n   ^"),
        ("\u4eba(", 1, "  \u4eba(\n    ^"),
        ("\t(", 1, "  \ufffd(\n   ^"),
    ],
)
def test_a_place_in_a_pattern(source: str, position: int, shown: str) -> None:
    assert pointed(source, position) == shown


def test_of_a_long_line_the_part_around_the_place_is_shown() -> None:
    line, caret = pointed("a" * 500 + "(" + "b" * 500, 500).splitlines()
    assert len(line) == 2 + WIDTH
    assert line[caret.index("^")] == "("


def test_errors_get_a_note_if_they_say_where() -> None:
    where = ServiceError(422, "invalid_pattern", "no", "regex", {"position": 1})
    for error, asked, notes in (
        (where, {"regex": "a(b"}, ["  a(b\n   ^"]),
        (ServiceError(422, "invalid_pattern", "no", "choice", {"position": None}), {"choice": ["a"]}, []),
        (ServiceError(404, "model_not_found", "no"), {"regex": "a"}, []),
    ):
        with pytest.raises(ServiceError) as caught, pointing(asked):
            raise error
        assert getattr(caught.value, "__notes__", []) == notes


def test_characters_that_were_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    warn_of_skipped([])
    assert not capsys.readouterr().err
    warn_of_skipped(["\u00e9", "\n"])
    assert capsys.readouterr().err == (
        'service: left out of the pattern, since the model does not know them: "\u00e9" "\\n"\n'
    )
