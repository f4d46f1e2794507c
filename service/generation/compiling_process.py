"""Compiles patterns in a process of their own: the interpreter runs one thread at a time, so a thread that compiles
would keep those waiting that advance batches."""

from __future__ import annotations

import logging
import os
import socket
import struct
import subprocess
import sys
import time
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
LOOK_SECONDS: Final = 1
"""How often is looked meanwhile whether it is suspended."""
PASS_SECONDS: Final = 5
"""How long the next part of a pattern or of its automaton may take from one process to the other. The first one waits
until the process has started."""

_ROOT: Final = Path(__file__).parents[2]


class CompilingProcess:
    """Does what `compile_pattern` does, for one thread at a time. The process starts when it is first needed, and is
    killed when this is collected or the interpreter exits; should it be lost or suspended, what it was doing is done
    here."""

    def __init__(self, pass_seconds: float = PASS_SECONDS) -> None:
        self._pass_seconds = pass_seconds
        self._running: tuple[Connection[Any, Any], int] | None = None
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
        self._running = self._end = None

    def _asked(self, *call: Any) -> Compiled | PatternError:
        link, pid = self._running or self._start()
        link.send(call)
        deadline = time.monotonic() + LONGEST_SECONDS
        while not link.poll(LOOK_SECONDS):
            if _is_suspended(pid):
                raise TimeoutError("it is suspended")
            if time.monotonic() >= deadline:
                raise TimeoutError(f"it has not answered for {LONGEST_SECONDS} s")
        answer: Compiled | PatternError = link.recv()
        return answer

    def _start(self) -> tuple[Connection[Any, Any], int]:
        here, there = Pipe()
        _limit_waits(here, self._pass_seconds)
        with there:
            process = subprocess.Popen(
                [sys.executable, "-m", "charrnn.patterns", str(there.fileno())],
                cwd=_ROOT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[there.fileno()],
                process_group=0,  # a signal to the terminal's processes is not for it
            )
        self._running, self._end = (here, process.pid), weakref.finalize(self, _end, process, here)
        return self._running


def _limit_waits(link: Connection[Any, Any], seconds: float) -> None:
    """Let sending and receiving fail once nothing has passed for so long."""
    timeval = struct.pack("ll", int(seconds), int(seconds % 1 * 1_000_000))
    with socket.socket(fileno=os.dup(link.fileno())) as same:
        for option in (socket.SO_SNDTIMEO, socket.SO_RCVTIMEO):
            same.setsockopt(socket.SOL_SOCKET, option, timeval)


def _is_suspended(child: int) -> bool:
    """Whether this child was stopped, by a signal or a debugger, and has not gone on; False where no system says so."""
    return hasattr(os, "waitid") and os.waitid(os.P_PID, child, os.WSTOPPED | os.WNOHANG | os.WNOWAIT) is not None


def _end(process: subprocess.Popen[bytes], link: Connection[Any, Any]) -> None:
    link.close()
    process.kill()
    process.wait()
