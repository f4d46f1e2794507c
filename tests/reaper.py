"""Ends what a process of tests leaves behind, however that ends: `python -m tests.reaper MARK` reads standard input to
its end, and then kills every process that has the mark in its environment."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

VARIABLE: Final = "STARTED_BY_TESTS"


def watch() -> Callable[[], None]:
    """Mark all processes that this one starts from now on, and start one that kills those that are left when this one
    ends, or when what is returned is called."""
    mark = os.environ[VARIABLE] = f"{os.getpid()}-{os.urandom(8).hex()}"
    command = [sys.executable, "-S", "-E", str(Path(__file__)), mark]
    # In a session of its own: what is typed to end the tests must not end it.
    process = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)

    def end() -> None:
        process.communicate()

    return end


def marked(mark: str) -> Iterator[int]:
    """The processes with the mark, but this one."""
    entry = f"{VARIABLE}={mark}".encode()
    for path in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):  # it has ended, or is another user's
            if entry in path.read_bytes().split(b"\0") and int(path.parent.name) != os.getpid():
                yield int(path.parent.name)


def main(mark: str) -> None:
    sys.stdin.buffer.read()
    while left := list(marked(mark)):
        for each in left:
            with suppress(ProcessLookupError):
                os.kill(each, signal.SIGKILL)


if __name__ == "__main__":
    main(sys.argv[1])
