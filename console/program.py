"""Runs the command of a command-line program: letters that the terminal cannot show, a reader who leaves, Ctrl-C, an
error in one line; knows no command."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Callable
from typing import Final

FAILED: Final = 1
INTERRUPTED: Final = 130


def run(name: str, command: Callable[[], int]) -> int:
    """Carry out a command and return the exit status: its own; 0 when whoever reads its output has seen enough; 1 when
    a file or the output fails, which is said in a line that begins with `name`; 130 after Ctrl-C."""
    _show_any_letter()
    try:
        return _flushed(command)
    except BrokenPipeError:
        return 0
    except KeyboardInterrupt:
        return INTERRUPTED
    except OSError as error:
        return failure(name, in_words(error))
    finally:
        _leave_nothing_to_write()


def failure(name: str, message: str, status: int = FAILED) -> int:
    """Say in one line what went wrong; returns the exit status."""
    with contextlib.suppress(OSError, AttributeError):  # it is closed, or there is no standard error
        sys.stderr.write(f"{name}: {' '.join(message.split())}\n")
    return status


def in_words(error: OSError) -> str:
    """What the system refused and why, without the number that it has for that."""
    reason = error.strerror or str(error) or type(error).__name__
    return f"{os.fsdecode(error.filename)}: {reason}" if isinstance(error.filename, str | bytes) else reason


def _show_any_letter() -> None:
    """What the terminal's encoding lacks is shown as its code, instead of ending the command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _flushed(command: Callable[[], int]) -> int:
    try:
        return command()
    finally:
        if sys.stdout is not None:
            sys.stdout.flush()


def _leave_nothing_to_write() -> None:
    """Write what is left now: at its end the interpreter would report a reader that is gone as an error."""
    if sys.stdout is None:
        return
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
