"""`make fuzz`: python -m tests.fuzz [--seed SEED] [--cases N] [--case NUMBER] [TARGET ...]. The seed is printed: with
it each case is the same again. `schema` is schemathesis on a service of its own."""

from __future__ import annotations

import argparse
import secrets
import sys

from tests.fuzz import schema
from tests.fuzz.cases import tally_apart
from tests.fuzz.targets import TARGETS


def main(arguments: list[str]) -> int:
    given = _parsed(arguments)
    print(f"seed {given.seed}", flush=True)
    failures = 0
    for name in given.targets or (*TARGETS, schema.NAME):
        if name == schema.NAME:
            failures += bool(schema.main(given.seed))
            continue
        first, stop = (0, given.cases or TARGETS[name].cases) if given.case is None else (given.case, given.case + 1)
        found = tally_apart(name, given.seed, first, stop)
        print(f"{name}: {found}", *found.findings, sep="\n    ", flush=True)
        failures += bool(found.findings)
    print(f"seed {given.seed}: {failures} targets with findings")
    return int(failures > 0)


def _parsed(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"{', '.join(TARGETS)} or schema; all if omitted")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1 << 31), help="the random numbers of all cases")
    parser.add_argument("--cases", type=int, help="how many of each target")
    parser.add_argument("--case", type=int, help="only the case with this number")
    given = parser.parse_args(arguments)
    if unknown := set(given.targets) - {*TARGETS, schema.NAME}:
        parser.error(f"there is no target {', '.join(sorted(unknown))}")
    return given


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
