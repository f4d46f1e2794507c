"""Learn, the arrangements: which steps count is what the tasks of the library say, and training is torch's."""

from __future__ import annotations

from itertools import product
from typing import Any, Final

import pytest
import torch
from playwright.sync_api import Page, expect
from torch import nn
from torch.nn import functional

from charrnn.tasks.arrangement import Arrangement
from charrnn.tasks.record import Record, TaskName
from charrnn.tasks.task import IGNORED
from charrnn.vocabulary import Vocabulary
from tests.browser.learning import in_module, learn

pytestmark = pytest.mark.system

LETTERS = "helo"
STEPS = 3
BATCH = 16


def found_in(page: Page, expression: str) -> Any:
    return in_module(page, "arrangements", expression)


RECORDS: Final[tuple[tuple[str, TaskName, Record], ...]] = (
    ("one to one", "classify", Record("e", "yes")),
    ("many to one", "classify", Record("hello", "yes")),
    ("many to one", "classify", Record("hollo", "no")),
    ("many to many, delayed", "transduce", Record("he", target="eh")),
    ("many to many, at every step", "tag", Record("hole", tags=("no", "no", "no", "yes"))),
)


def test_the_steps_are_those_of_the_librarys_tasks_and_training_is_torchs(page: Page) -> None:
    learn(page, "arrangements")
    for name, task, record in RECORDS:
        outputs = (*"ehlo", "end") if task == "transduce" else ("no", "yes")
        line = Arrangement(task, "line", "\n", () if task == "transduce" else ("no", "yes"))
        steps = line.bound(line.vocabulary(Vocabulary("ehlo"))).steps([record])
        found = found_in(page, f"m.ARRANGEMENTS['{name}'].steps('{record.text}')")
        assert found["targets"] == [None if each == IGNORED else outputs[each] for each in steps.targets.tolist()]
        assert "".join(found["reads"]).replace("|", "") == "".join("ehlo"[i] for i in steps.inputs.tolist() if i < 4)
    check_zeros_follow(page)
    for name in ("many to one", "many to many, delayed"):
        check_training(page, name)


def check_zeros_follow(page: Page) -> None:
    found = found_in(page, "m.ARRANGEMENTS['one to many'].steps('h')")
    assert found == {"reads": ["h", None, None, None, None, None], "targets": [*"hello", "end"]}
    first, *others = found_in(page, "new m.Tiny('one to many').run('h').steps.map(({ x }) => x)")
    assert sum(first) == 1 and others == [[0] * 5] * 5


def check_training(page: Page, name: str) -> None:
    """A few steps of Adam, some of whose steps do not count, give the weights that torch gives."""
    tiny = f"new m.Tiny('{name}')"
    began, after = found_in(page, f"(() => {{ const n = {tiny}, W = n.W; n.train({STEPS}); return [W, n.W]; }})()")
    words = ["".join(letters) for letters in product(LETTERS, repeat=3 if name == "many to one" else 2)]
    records = found_in(page, f"{words!r}.map((word) => m.ARRANGEMENTS['{name}'].steps(word))")
    outputs = found_in(page, f"m.ARRANGEMENTS['{name}'].outputs")
    rnn: Any = nn.RNN(5, len(began["b"]), batch_first=True).double()
    output = nn.Linear(len(began["b"]), len(outputs)).double()
    weights = {"W_xh": rnn.weight_ih_l0, "W_hh": rnn.weight_hh_l0, "b": rnn.bias_ih_l0}
    weights |= {"W_hy": output.weight, "b_y": output.bias}
    with torch.no_grad():
        rnn.bias_hh_l0.zero_()
        for key, tensor in weights.items():
            tensor.copy_(torch.tensor(began[key]))
    optimizer = torch.optim.Adam(weights.values(), lr=0.02)
    for step in range(STEPS):
        batch = [records[(step * BATCH + i) % len(records)] for i in range(BATCH)]
        ids = torch.tensor([[(LETTERS + "|").index(c) for c in each["reads"]] for each in batch])
        targets = torch.tensor(
            [[IGNORED if c is None else outputs.index(c) for c in each["targets"]] for each in batch]
        )
        optimizer.zero_grad()
        logits = output(rnn(functional.one_hot(ids, 5).double())[0])
        functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=IGNORED).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    for key, tensor in weights.items():
        torch.testing.assert_close(tensor.detach(), torch.tensor(after[key], dtype=torch.float64), rtol=0, atol=1e-6)


def test_each_arrangement_learns_and_shows_what_counts(page: Page) -> None:
    part = learn(page, "arrangements")
    for name, counts in (
        ("one to one", "1 of 1 steps"),
        ("many to one", "1 of 5 steps"),
        ("one to many", "6 of 6 steps"),
    ):
        part.get_by_label(name, exact=True).check()
        expect(part.locator("[data-progress]")).to_contain_text("Not trained yet")
        expect(part.locator("[data-counted]")).to_contain_text(counts)
        part.get_by_role("button", name="Train").click()
        expect(part.locator("[data-progress]")).to_contain_text("After 100 training steps", timeout=60_000)
        rows = part.locator("tbody tr")
        writes = rows.filter(has=page.get_by_role("rowheader", name="writes")).locator("td b").all_inner_texts()
        wanted = rows.filter(has=page.get_by_role("rowheader", name="should write")).locator("td").all_inner_texts()
        assert [each for each, want in zip(writes, wanted, strict=True) if want != "\N{EN DASH}"] == [
            w for w in wanted if w != "\N{EN DASH}"
        ]
    part.get_by_role("textbox", name="It reads").fill("x")
    expect(part.get_by_role("alert")).to_contain_text("Type one of the letters")
