"""Writes lines to standard output and error without making anyone wait for their reader; knows nothing of what they
say."""

from __future__ import annotations

import atexit
import io
import os
import re
import select
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Final, TextIO

MOST_BYTES: Final = 1 << 20
"""How much may wait to be written; what comes on top is lost and counted."""
ONE_PIECE: Final = 4096
"""Bytes that a pipe takes in one piece, even while other processes write to it (PIPE_BUF of Linux)."""
GATHER_SECONDS: Final = 0.01
"""How long lines are gathered before they are written together."""
REPORT_SECONDS: Final = 1.0
"""The shortest time between two reports of losses."""
EXIT_SECONDS: Final = 1.0
"""How long the end of the process may be delayed by what is not yet written."""


_LINE: Final = re.compile(rb"[^\n]*\n|[^\n]+")


class LineWriter:
    """A descriptor to which one thread of this process writes, in the order of `write`. Lines stay whole.

    If the reader has stopped, or the disk is full, at most `most` bytes wait. Further lines are lost; once it can be
    written, `report` says how many. After a fork the child's lines are its own.
    """

    def __init__(self, descriptor: int, most: int = MOST_BYTES) -> None:
        self.report: Callable[[int], bytes] = _report
        self.lost = 0
        """Lines lost so far."""
        self._descriptor, self._most = descriptor, most
        self._idle = self._torn = False
        self._begin()
        os.register_at_fork(after_in_child=self._begin)

    def write(self, lines: bytes) -> None:
        """Write one or several complete lines soon. Never waits, never fails; may be called by a signal handler."""
        with self._changed:
            if self._bytes + len(lines) > self._most:
                self.lost += _count(lines)
                return
            self._waiting.append(lines)
            self._bytes += len(lines)
            if self._thread is None:
                self._start()
            elif self._idle:
                self._idle = False
                self._changed.notify_all()

    def flush(self, seconds: float = EXIT_SECONDS) -> bool:
        """Wait until all is written, at most this long; returns whether it is."""
        with self._changed:
            return self._changed.wait_for(lambda: self._thread is None or (self._idle and not self._bytes), seconds)

    def text(self) -> TextIO:
        """A text stream that writes here whenever a line is complete, to stand in for sys.stdout or sys.stderr."""
        lines = _Lines(self, self._descriptor)
        return io.TextIOWrapper(  # type: ignore[type-var]  # it asks for no more than this
            lines, "utf-8", errors="backslashreplace", write_through=True
        )

    def _begin(self) -> None:
        """Set everything up; in the child of a fork, leave to its parent what waits."""
        self._changed = threading.Condition(threading.RLock())
        self._waiting: list[bytes] = []
        self._bytes = 0
        self._reported = self.lost
        self._idle = self._torn = False
        self._thread: threading.Thread | None = None

    def _start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="output", daemon=True)
        self._thread.start()
        atexit.register(self.flush)

    def _run(self) -> None:
        reported_at = float("-inf")
        while True:
            gathered = self._gathered()
            for piece in _pieces(gathered):
                self._put(piece)
                with self._changed:
                    self._bytes -= len(piece)
            if self.lost > self._reported and (not self._bytes or time.monotonic() - reported_at > REPORT_SECONDS):
                reported_at = time.monotonic()
                self._report_losses()

    def _gathered(self) -> list[bytes]:
        with self._changed:
            if not self._waiting:
                self._idle = True
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._waiting)
                self._idle = False
        time.sleep(GATHER_SECONDS)
        with self._changed:
            gathered, self._waiting = self._waiting, []
        return gathered

    def _report_losses(self) -> None:
        lost = self.lost
        if self._put(self.report(lost - self._reported)):
            self._reported = lost

    def _put(self, piece: bytes) -> bool:
        """Write it, however long its reader takes; returns whether that succeeded. What could not be written is lost,
        and after a line that was cut off the next one begins on a line of its own."""
        data, done = (b"\n" + piece if self._torn else piece), 0
        try:
            while done < len(data):
                done += self._written(data[done:])
        except OSError:
            self._torn = data[done - 1 : done] != b"\n" if done else self._torn
            with self._changed:
                self.lost += _count(data[done:])
            return False
        self._torn = False
        return True

    def _written(self, data: bytes) -> int:
        while True:
            try:
                return os.write(self._descriptor, data)
            except BlockingIOError:  # another process has made the pipe non-blocking for all
                poll = select.poll()
                poll.register(self._descriptor, select.POLLOUT)
                poll.poll()


class _Lines(io.BufferedIOBase):
    """Passes on complete lines."""

    def __init__(self, output: LineWriter, descriptor: int) -> None:
        self._output, self._descriptor = output, descriptor
        self._rest = b""

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        lines = self._rest + bytes(data)
        end = lines.rfind(b"\n") + 1
        self._rest = lines[end:]
        if end:
            self._output.write(lines[:end])
        return len(data)

    def close(self) -> None:
        if self._rest:
            self.write(b"\n")
        super().close()

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return os.isatty(self._descriptor)


def _pieces(gathered: list[bytes]) -> Iterator[bytes]:
    """The same lines, as many at once as a pipe takes in one piece."""
    piece: list[bytes] = []
    size = 0
    for line in _LINE.findall(b"".join(gathered)):
        if piece and size + len(line) > ONE_PIECE:
            yield b"".join(piece)
            piece, size = [], 0
        piece.append(line)
        size += len(line)
    if piece:
        yield b"".join(piece)


def _count(lines: bytes) -> int:
    return max(1, lines.count(b"\n"))


def _report(lost: int) -> bytes:
    return f"{lost} lines of the log were lost\n".encode()


STANDARD_OUTPUT: Final = LineWriter(1)
STANDARD_ERROR: Final = LineWriter(2)
