"""How many requests the command makes for many texts."""

from __future__ import annotations

from typing import Any

import pytest

from service.client import Choice, Client, Generation
from service.commands.generate import _generations


class Counting(Client):
    """Gives texts that say their seeds."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[dict[str, Any]] = []

    def generate(self, prompt: str = "", length: int | None = None, **asked: Any) -> Generation:
        self.asked.append(asked)
        first = asked.get("seed", 100)
        choices = [Choice(str(first + index), first + index, "stop") for index in range(asked.get("n", 1))]
        return Generation(choices[0].text, "m", 3, choices, {}, cached=False, reply={})


@pytest.mark.parametrize("n", [1, 2, 16, 17, 20, 32, 40])
def test_any_number_of_texts_with_seeds_that_follow_each_other(n: int) -> None:
    client = Counting()
    made = list(_generations(client, "To", {"n": n, "regex": "a"}))
    assert [choice.text for each in made for choice in each.choices] == [str(100 + index) for index in range(n)]
    first, *others = client.asked
    assert (first.get("model"), first.get("seed"), first["regex"]) == (None, None, "a")
    assert all(each["model"] == "m@3" and each["n"] <= 16 for each in others)
    assert len(others) == (n - 1) // 16


def test_what_is_not_given_is_not_sent() -> None:
    client = Counting()
    assert len(list(_generations(client, "", {}))) == 1
    assert client.asked == [{}]
