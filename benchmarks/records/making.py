"""Makes the data: `python -m benchmarks.records.making build/records --seeds 0 1 2`."""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

from benchmarks.records import dates, languages, names, source_lines, token_types

MAKERS = {
    module.__name__.rpartition(".")[2]: module.make for module in (languages, source_lines, names, token_types, dates)
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--only", nargs="+", choices=list(MAKERS), default=list(MAKERS))
    arguments = parser.parse_args()
    for name in arguments.only:
        for seed in arguments.seeds:
            made = MAKERS[name](seed)
            made.write(arguments.folder / name / str(seed))
            characters = sum(len(row["text"]) for row in made.train)
            labels = Counter(row.get("label", "") for row in made.train)
            print(
                f"{name} {seed}: {len(made.train)} + {len(made.test)} records, {characters} characters, {dict(labels)}"
            )


if __name__ == "__main__":
    main()
