"""The two parts of a data set, as JSONL files; knows no task."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import orjson

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Parts:
    """The records to train on, and those to test on; no text stands in both."""

    train: list[Row]
    test: list[Row]

    def write(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for name, rows in (("train", self.train), ("test", self.test)):
            (folder / f"{name}.jsonl").write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))


def read(folder: Path, name: str) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in (folder / f"{name}.jsonl").read_bytes().splitlines()]


def is_test(source: str, seed: int, one_in: int = 5) -> bool:
    """Whether what comes from this source (a file, a document, a name) is for the test."""
    digest = blake2b(f"{seed} {source}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % one_in == 0


def parts(rows: Iterable[tuple[str, Row]], seed: int, *, one_in: int = 5, most: Sequence[int] | None = None) -> Parts:
    """Parts of (source, row): whole sources are for the test; a text that was there before is left out; of each label
    at most `most` (train, test) rows are kept, chosen at random."""
    rng = random.Random(seed)
    shuffled = sorted(rows, key=orjson.dumps)
    rng.shuffle(shuffled)
    seen: set[str] = set()
    counts: dict[tuple[bool, Any], int] = {}
    chosen: tuple[list[Row], list[Row]] = ([], [])
    for source, row in shuffled:
        part = is_test(source, seed, one_in)
        key = (part, row.get("label"))
        if row["text"] in seen or (most and counts.get(key, 0) >= most[part]):
            continue
        seen.add(row["text"])
        counts[key] = counts.get(key, 0) + 1
        chosen[part].append(row)
    return Parts(*chosen)
