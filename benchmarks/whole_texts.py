"""JSON rows within every length from the shortest on: how many are whole, beside the rule "mask and cut"; and texts of
other patterns. The models are the starter, a base, and one trained for minutes on what a machine's dpkg knows and has
logged.

    python -m benchmarks.whole_texts [--minutes 2] [--json FILE]

"Mask and cut" is what servers of large models do: ids that the pattern does not take are masked, and the text is cut
off when its length is used up. Here it is the same automaton, network and seeds, with a length that never binds, of
which the first ids are taken.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from jsonschema import Draft202012Validator

from benchmarks.published import published
from charrnn.checkpoint import Checkpoint, load
from charrnn.engine import base
from charrnn.engine.cpu.batch import CpuEngine
from charrnn.patterns.automaton import Automaton, Fit
from charrnn.patterns.compiling import Pattern, compile_pattern
from charrnn.sampling import SamplingParams
from charrnn.training.config import Budget
from service.bootstrap.starter import STARTER_PATH
from service.training.jobs.shipped_bases import FOLDER

TEXTS: Final = 100
UNBOUND: Final = 2000
"""A length that binds no row."""
STEPS: Final = 64
MULTIPLES: Final = (1.1, 1.2, 1.3, 1.4, 1.5, 2)
"""Lengths of rows, as multiples of the shortest."""
LOG: Final = Path("/var/log/dpkg.log")
ROW: Final = (
    '{"package": "${Package}", "version": "${Version}", "kilobytes": ${Installed-Size}, "section": "${Section}"}\n'
)
SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "package": {"type": "string", "pattern": "^[a-z0-9][a-z0-9+.-]+$"},
        "version": {"type": "string", "pattern": "^[0-9][A-Za-z0-9.+~:-]*$"},
        "kilobytes": {"type": "integer", "minimum": 1},
        "section": {"enum": ["admin", "devel", "fonts", "libs", "net", "perl", "python", "text", "utils"]},
    },
    "required": ["package", "version", "kilobytes", "section"],
    "additionalProperties": False,
}
_DATE: Final = "20[0-9]{2}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
STARTER_PATTERNS: Final = {
    "a name": ("Enter ", "[A-Z][a-z]+"),
    "two names": ("Enter ", "[A-Z][a-z]+ and [A-Z][a-z]+"),
    "a line of verse": ("ROMEO:\n", "[A-Z][a-z' ,]{20,50}[.!?;]"),
    "one of several": ("JULIET:\n", "Ay|No|Perhaps|Good night"),
}
PROSE_PATTERNS: Final = {
    "a number plate": ("\n", "[A-Z]{1,3}-[A-Z]{1,2} [1-9][0-9]{0,3}"),
}
TRAINED_PATTERNS: Final = {
    "a date": ("\n", _DATE),
    "a log line": (
        "\n",
        f"{_DATE} (?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9] (?:install|upgrade|status) [a-z0-9.:+~ -]+",
    ),
}


def corpus() -> str:
    """The log, and a row for each package, three times, among it."""
    command = ["dpkg-query", "--show", f"--showformat={ROW}"]
    rows = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    lines = LOG.read_text().splitlines(keepends=True)
    third = len(lines) // 3
    return "".join("".join(lines[part * third : (part + 1) * third]) + rows for part in range(3))


def generated(checkpoint: Checkpoint, prompt: str, automaton: Automaton, length: int, n: int = TEXTS) -> list[str]:
    """Texts that fit, of the seeds from 0 on."""
    batch, ids = CpuEngine(checkpoint).batch(n), np.array(checkpoint.vocabulary.encode(prompt), dtype=np.int32)
    found: dict[int, list[int]] = {
        batch.add(base.Sequence(ids, length, SamplingParams(seed=seed), fit=Fit(automaton))): [] for seed in range(n)
    }
    left = set(found)
    while left:
        for output in batch.step(STEPS):
            found[output.handle] += output.ids.tolist()
            if output.done:
                batch.remove(output.handle)
                left.remove(output.handle)
    return [checkpoint.vocabulary.decode(each) for each in found.values()]


def of(checkpoint: Checkpoint, pattern: Pattern) -> Automaton:
    return compile_pattern(pattern, checkpoint.vocabulary, checkpoint.config.outputs).automaton


def fitting(rows: Sequence[str]) -> int:
    """How many parse and validate."""
    validator = Draft202012Validator(SCHEMA)

    def fits(row: str) -> bool:
        try:
            return bool(validator.is_valid(json.loads(row)))
        except ValueError:
            return False

    return sum(map(fits, rows))


def of_lengths(checkpoint: Checkpoint) -> list[dict[str, Any]]:
    """For each length, how many of 100 rows fit, here and when they are cut off, and one of those here."""
    automaton = of(checkpoint, Pattern("json_schema", json.dumps(SCHEMA)))
    shortest = int(automaton.distances[0])
    unbound = generated(checkpoint, "\n", automaton, UNBOUND)
    table = []
    for length in sorted({*range(shortest, shortest + 4), *(round(shortest * each) for each in MULTIPLES)}):
        rows = generated(checkpoint, "\n", automaton, length)
        cut = fitting([row[:length] for row in unbound])
        row = {"length": length, "whole": fitting(rows), "different": len({*rows}), "mask and cut": cut}
        table.append({**row, "example": rows[0]})
        print(json.dumps(table[-1]), flush=True)
    return table


def of_patterns(checkpoint: Checkpoint, patterns: dict[str, tuple[str, str]]) -> list[dict[str, Any]]:
    """Texts of each pattern, all of which match it."""
    table = []
    for name, (prompt, source) in patterns.items():
        texts = generated(checkpoint, prompt, of(checkpoint, Pattern("regex", source)), 80)
        matching = sum(re.fullmatch(source, text) is not None for text in texts)
        table.append(
            {"name": name, "pattern": source, "matching": matching, "examples": list(dict.fromkeys(texts))[:5]}
        )
        print(json.dumps(table[-1]), flush=True)
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=2)
    parser.add_argument("--json", type=Path, default=Path(__file__).with_name("whole_texts.json"))
    options = parser.parse_args()
    found: dict[str, Any] = {
        "starter": of_patterns(load(STARTER_PATH), STARTER_PATTERNS),
        "prose": of_patterns(load(FOLDER / "prose.safetensors"), PROSE_PATTERNS),
    }
    with tempfile.TemporaryDirectory() as folder:
        text = Path(folder, "dpkg.txt")
        text.write_text(corpus())
        with published(text, "dpkg", Budget(minutes=options.minutes)) as version:
            trained = load(version)
            found |= {"lengths": of_lengths(trained), "trained": of_patterns(trained, TRAINED_PATTERNS)}
    options.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
