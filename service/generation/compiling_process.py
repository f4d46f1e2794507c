"""Compiles patterns in a process of their own: the interpreter runs one thread at a time, so a thread that compiles
would keep those waiting that advance batches."""

from __future__ import annotations

import logging
import subprocess
import sys
import weakref
from collections.abc import Collection, Sequence
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

from charrnn.patterns.compiling import Compiled, Pattern, compile_pattern
from charrnn.patterns.errors import PatternError
from charrnn.vocabulary import Vocabulary

log = logging.getLogger(__name__)

LONGEST_SECONDS: Final = 60
"""A process that takes longer is stuck: what a pattern may cost is counted."""

_ROOT: Final = Path(__file__).parents[2]


class CompilingProcess:
    """Does what `compile_pattern` does, for one thread at a time. The process starts when it is first needed, and is
    killed when this is collected or the interpreter exits; should it be lost, what it was doing is done here."""

    def __init__(self) -> None:
        self._link: Connection[Any, Any] | None = None
        self._end: weakref.finalize[..., CompilingProcess] | None = None

    def __call__(
        self,
        pattern: Pattern,
        vocabulary: Vocabulary,
        outputs: int,
        *,
        stop: Sequence[str] = (),
        allowed: Collection[int] | None = None,
    ) -> Compiled:
        """The automaton of the texts that fit. Raises a PatternError."""
        try:
            answer = self._asked((pattern, vocabulary, outputs), {"stop": stop, "allowed": allowed})
        except (EOFError, OSError) as error:
            log.warning(
                "the process that compiles patterns was lost, and batches may be slower for a moment: %r", error
            )
            self.close()
            return compile_pattern(pattern, vocabulary, outputs, stop=stop, allowed=allowed)
        if isinstance(answer, PatternError):
            raise answer
        return answer

    def close(self) -> None:
        """Kill the process, if there is one; the next call starts another."""
        if self._end is not None:
            self._end()
        self._link = self._end = None

    def _asked(self, *call: Any) -> Compiled | PatternError:
        link = self._link or self._start()
        link.send(call)
        if not link.poll(LONGEST_SECONDS):
            raise TimeoutError(f"it has not answered for {LONGEST_SECONDS} s")
        answer: Compiled | PatternError = link.recv()
        return answer

    def _start(self) -> Connection[Any, Any]:
        here, there = Pipe()
        with there:
            process = subprocess.Popen(
                [sys.executable, "-m", "charrnn.patterns", str(there.fileno())],
                cwd=_ROOT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[there.fileno()],
                process_group=0,  # a signal to the terminal's processes is not for it
            )
        self._link, self._end = here, weakref.finalize(self, _end, process, here)
        return here


def _end(process: subprocess.Popen[bytes], link: Connection[Any, Any]) -> None:
    link.close()
    process.kill()
    process.wait()
