"""The cases of a target in a process of their own, a line for each: python -m tests.fuzz.apart NAME SEED FIRST STOP."""

from __future__ import annotations

import sys

from tests.fuzz.cases import tried
from tests.fuzz.targets import TARGETS


def main(arguments: list[str]) -> None:
    name, seed, first, stop = arguments
    for index, outcome, fault in tried(TARGETS[name].target, int(seed), name, range(int(first), int(stop))):
        line = f"{index}\t{outcome}\t{fault}".encode(errors="backslashreplace").decode()
        print(line, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
