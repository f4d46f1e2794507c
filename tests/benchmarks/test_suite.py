"""What the suite's table says of a text."""

import json
from pathlib import Path

import pytest

from benchmarks.suite import COLUMNS, WINDOW, Row, chosen_texts, loss_in_windows, suite
from charrnn.training.config import Budget
from charrnn.yardsticks import ppm_loss

LINES = "".join(f"item {n * 7919 % 10_000}: {'ab' * (n % 3)}\n" for n in range(200))


def test_a_row_compares_three_models_on_the_same_part_and_is_printed_and_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    budget = Budget(steps=2)
    (tmp_path / "lines.txt").write_text(LINES, encoding="utf-8")
    suite({"lines": tmp_path / "lines.txt"}, budget, tmp_path / "suite.json")
    row = Row(**json.loads((tmp_path / "suite.json").read_text(encoding="utf-8"))["texts"][0])
    assert (row.text, row.characters, row.vocabulary) == ("lines", len(LINES), len(set(LINES)))
    assert (row.held_out, row.steps) == (-(-len(LINES) // 10), 2)
    assert row.order in (5, 6, 8, 12, 16)
    assert 0.5 < row.ppm < 2  # nats; two steps teach a network less
    assert row.ppm < row.ours < 3
    assert row.ppm < row.plain < 3
    cells = list(row.cells(budget))
    assert len(cells) == len(COLUMNS)
    assert f"| {' | '.join(cells)} |" in capsys.readouterr().out


def test_ppm_learns_nothing_from_one_window_for_the_next() -> None:
    window = "".join(f"{n * 7919 % 10_000}\n" for n in range(WINDOW))[:WINDOW]
    alone, twice = ppm_loss(LINES, window, 6), ppm_loss(LINES, window * 2, 6)
    assert loss_in_windows(LINES, window * 2, 6) == pytest.approx(alone)
    assert twice < alone - 0.1  # the second one is known from the first


def test_kept_back_texts_are_read_only_when_asked_for(tmp_path: Path) -> None:
    for name in ("plays", "python", "russian"):
        (tmp_path / f"{name}.txt").touch()
    assert [*chosen_texts(tmp_path, [], kept_back=False)] == ["plays", "python"]
    assert [*chosen_texts(tmp_path, [], kept_back=True)] == ["russian"]
    assert [*chosen_texts(tmp_path, ["russian"], kept_back=False)] == ["russian"]
    with pytest.raises(FileNotFoundError, match=r"greek\.txt"):
        chosen_texts(tmp_path, ["greek"], kept_back=False)
