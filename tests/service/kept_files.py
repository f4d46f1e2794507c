"""Every kind of file that the service keeps in its data directory, and what becomes of a damaged one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

Outcome = Literal["named", "made anew", "closed", "empty", "of a start"]
"""What becomes of a damaged file: `named` in /readyz until it is replaced or deleted; `made anew` without a word,
because nothing is lost; `closed`: named, and what it guards refuses; `empty`: nothing is read from it; `of a start`:
replaced, or set aside, when the service starts."""


@dataclass(frozen=True)
class Kind:
    """Files whose paths in the data directory match the pattern."""

    pattern: str
    outcome: Outcome
    unseen: tuple[str, ...] = ()
    """Damages (tests/damage.py) that leave what could as well have been written."""

    def has(self, path: str) -> bool:
        return re.fullmatch(self.pattern, path) is not None


NAME: Final = r"models/[a-z]+/"
CORPUS: Final = r"corpora/[0-9a-f]{16}/"
RUN: Final = r"runs/[0-9]{8}-[0-9]{12}-[0-9a-f]{6}/"

KINDS: Final = (
    Kind(r"keys\.json", "closed", unseen=("linked",)),
    Kind(r"admin-key", "closed", unseen=("linked",)),
    Kind(r"continuation-key", "named", unseen=("linked",)),
    Kind(r"(models/)?\.keys-made", "empty"),
    Kind(r"format", "of a start"),
    Kind(r"\.keys\.json\.lock", "empty"),
    Kind(NAME + r"[0-9]+\.safetensors", "named"),
    Kind(NAME + r"[0-9]+\.deleted", "empty"),
    Kind(NAME + r"[0-9]+\.(cells|evaluation|scores)\.json", "named", unseen=("wrong_fields",)),
    Kind(NAME + r"[0-9]+\.texts\.bin", "named"),
    Kind(NAME + r"aliases\.json", "named"),
    Kind(NAME + r"\.lock", "empty"),
    Kind(CORPUS + r"text\.txt", "named"),
    Kind(CORPUS + r"characters\.txt", "named"),
    Kind(CORPUS + r"corpus\.json", "named"),
    Kind(CORPUS + r"ids(-word-[0-9a-f]+)?\.[a-z]+[0-9]+", "made anew"),
    Kind(CORPUS + r"words\.json", "made anew"),
    Kind(CORPUS + r"records-[0-9a-f]+/(bounds|counted|hashes|inputs|labels|targets)", "made anew"),
    Kind(CORPUS + r"records-[0-9a-f]+/records\.json", "made anew"),
    Kind(r"corpora/\.lock", "empty"),
    Kind(RUN + r"request\.json", "named"),
    Kind(RUN + r"status\.json", "made anew"),
    Kind(RUN + r"lease\.json", "made anew"),
    Kind(RUN + r"progress\.json", "made anew"),
    Kind(RUN + r"warnings\.json", "made anew"),
    Kind(RUN + r"attempts\.json", "made anew"),
    Kind(RUN + r"publishing\.json", "made anew"),
    Kind(RUN + r"plan\.json", "made anew"),
    Kind(RUN + r"events\.jsonl", "made anew"),
    Kind(RUN + r"resume-[0-9]{12}", "made anew"),
    Kind(RUN + r"(cancel|stalled|lock)", "empty"),
    Kind(r"runs/\.workers/.+", "empty"),
    Kind(r"packed/[0-9a-f]{64}-(int8|float32)-[0-9a-f]{64}", "made anew"),
    Kind(r"packed/\.shared-.+", "made anew"),
    Kind(r"packed\.lock", "empty"),
    Kind(r"kernels/.+", "made anew"),
    Kind(r"(models|corpora|runs|packed|run)/(.+/)?\.(draft|damaged|new)-.+", "empty"),
    Kind(r"run/.+", "of a start"),
    Kind(r"redis/.+", "of a start"),
)


def kind_of(path: str) -> Kind:
    """The kind of a file. Raises LookupError for one that is in no row: add it, and see what damage to it does."""
    for kind in KINDS:
        if kind.has(path):
            return kind
    raise LookupError(f"{path} is of no kind in tests/service/kept_files.py")


def files_in(root: Path) -> Iterator[str]:
    """The paths of all files in the directory, relative to it, ascending."""
    return (str(path.relative_to(root)) for path in sorted(root.rglob("*")) if not path.is_dir())
