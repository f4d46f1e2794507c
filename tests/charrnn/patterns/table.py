"""How large each of 200 patterns becomes and what that takes: python -m tests.charrnn.patterns.table writes table.jsonl
anew, a line for each pattern; milliseconds and memory are of the machine at hand."""

from __future__ import annotations

import gc
import json
import resource
import time
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

from charrnn.patterns.compiling import Pattern, compile_pattern
from charrnn.patterns.errors import PatternError
from tests.charrnn.patterns.patterns import GROUPS, VOCABULARY

TABLE: Final = Path(__file__).with_name("table.jsonl")


def outcome(source: str) -> dict[str, Any]:
    """The states and classes of its automaton, or why it is refused."""
    try:
        automaton = compile_pattern(Pattern("regex", source), VOCABULARY, len(VOCABULARY)).automaton
    except PatternError as error:
        return {"refused": type(error).__name__.removesuffix("Error")}
    return {"states": len(automaton), "classes": automaton.following.shape[1], "bytes": automaton.nbytes}


def _measured(source: str) -> dict[str, Any]:
    """The same, with milliseconds of a processor, and MiB that it takes at most."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.process_time()
    found = outcome(source)
    took = time.process_time() - began
    more = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return {**found, "milliseconds": round(took * 1000, 1), "peak_mib": round(more / 1024, 1)}


def rows() -> list[dict[str, Any]]:
    """What the file has."""
    return [json.loads(line) for line in TABLE.read_text(encoding="utf-8").splitlines()]


def main() -> None:
    gc.disable()  # as in the process that compiles them
    outcome("x^")  # what is made at first use
    with get_context("fork").Pool(1, maxtasksperchild=1) as apart, TABLE.open("w") as file:
        for group, patterns in GROUPS.items():
            for source, found in zip(patterns, apart.imap(_measured, patterns), strict=True):
                print(json.dumps({"group": group, "pattern": source, **found}), file=file, flush=True)


if __name__ == "__main__":
    main()
