"""How the networks that are shipped are trained anew: their texts, and options that the command knows."""

from __future__ import annotations

import argparse

import pytest

from benchmarks.shipped import BASE_OPTIONS, LEAST, STARTER_OPTIONS, formed, usual
from service.commands import train_arguments

PROSE = (
    "It was a long line of a book that went on and on for a while,\nand \"yes,\" he said--'no doubt', and more than"
    " once, all day,\nit's over.\n"
)
VERSE = "Tyger Tyger,\nburning bright,\nIn the forests\nof the night\n"


def test_a_book_has_lines_or_paragraphs_and_the_marks_of_a_typewriter_or_a_printer() -> None:
    book = f"A TITLE\n\n{PROSE}\n{VERSE}".replace("\n", "\r\n")
    typed, joined, printed, both = (formed(book, form) for form in range(4))
    assert typed == book.replace("\r\n", "\n")
    assert joined == f"A TITLE\n{PROSE.strip()}\n{VERSE}".replace("while,\n", "while, ").replace("day,\n", "day, ")
    assert (
        "and \u201cyes,\u201d he said\u2014\u2018no doubt\u2019, and more than once, all day,\nit\u2019s over."
        in printed
    )
    assert both == formed(joined, 2)


def test_lines_with_rare_characters_are_left_out() -> None:
    assert usual("ab\n" * LEAST + "a\u20acb\n" + "a") == "ab\n" * LEAST + "a"


@pytest.mark.parametrize("options", [BASE_OPTIONS, STARTER_OPTIONS])
def test_the_command_knows_the_options(options: tuple[str, ...]) -> None:
    parser = argparse.ArgumentParser()
    train_arguments.add_arguments(parser)
    request = train_arguments.request(parser.parse_args(["text", "--model", "m", "--minutes", "20", *options]))
    assert (request.base, request.version) == ("none", None)
    assert request.settings["hidden_size"] == 256
