"""The table of what faults did, and the block of a document that it replaces."""

from __future__ import annotations

import fcntl
import re
from collections import Counter
from collections.abc import Iterable
from datetime import date
from pathlib import Path

from tests.faults.trials import Outcome

VARYING = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z|\b\d{8}-\d+-[0-9a-f]+|\b[0-9a-f]{16,}\b|(?<=@)\d+|(?<=version )\d+")
"""What makes the same sentence another one each time: times, ids, digests, numbers of versions."""

HEAD = (
    "| fault | times | longest without a text | generates again after | `/readyz` says | nothing after | failed |\n"
    "|---|---|---|---|---|---|---|\n"
)


def table(outcomes: Iterable[Outcome]) -> str:
    """In Markdown, a row for each fault: of several times the worst, in seconds."""
    by_name: dict[str, list[Outcome]] = {}
    for each in outcomes:
        by_name.setdefault(each.fault.name, []).append(each)
    return HEAD + "".join(_row(name, found) for name, found in sorted(by_name.items()))


def _row(name: str, found: list[Outcome]) -> str:
    said = dict.fromkeys(VARYING.sub("…", sentence) for each in found for sentence in each.said)
    failed: Counter[str] = sum((each.failures for each in found), Counter())
    cells = [
        name,
        str(len(found)),
        f"{max(each.gap for each in found):.1f} s",
        f"{max(each.again for each in found):.1f} s",
        "; ".join(said) or "-",
        f"{max(each.clear for each in found):.1f} s" if said else "-",
        ", ".join(f"{count} {code}" for code, count in sorted(failed.items())) or "-",
    ]
    return f"| {' | '.join(cells)} |\n"


def written(document: Path, name: str, text: str) -> None:
    """Replace the block of this name, between two comments, in a document that others may be writing to."""
    pattern = re.compile(rf"(<!-- {name}: .*? -->\n).*?(<!-- end of {name} -->)", re.DOTALL)
    with document.open("r+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        before = file.read()
        if not pattern.search(before):
            raise ValueError(f"{document.name} has no block {name}")
        after = pattern.sub(lambda found: f"{found[1]}{text}{found[2]}", before)
        file.seek(0)
        file.write(after)
        file.truncate()


def report(title: str, outcomes: list[Outcome], done: Counter[str], seed: str) -> str:
    """The block: when and with which seed, how much was asked meanwhile, and the table."""
    asked = ", ".join(f"{count} {kind}" for kind, count in sorted(done.items()))
    return f"\n{title}: {date.today()}, seed {seed}. Requests that succeeded meanwhile: {asked}.\n\n{table(outcomes)}\n"
