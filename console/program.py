"""Runs a command-line program's command, and handles characters that the terminal cannot show, closed pipes, Ctrl-C and
errors; knows no commands."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Callable, Iterable
from typing import Final

FAILED: Final = 1
INTERRUPTED: Final = 130


def run(name: str, command: Callable[[], int]) -> int:
    """Run a command and return the exit status: its own; 0 when its output is closed early, as by `head`; 1 for an
    OSError, reported in a line that begins with `name`; 130 after Ctrl-C."""
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


def failure(name: str, message: str, status: int = FAILED, notes: Iterable[str] = ()) -> int:
    """Report an error in one line, and below it the notes as they are; returns the exit status."""
    with contextlib.suppress(OSError, AttributeError):  # standard error is closed or missing
        sys.stderr.write("\n".join([f"{name}: {' '.join(message.split())}", *notes, ""]))
    return status


def in_words(error: OSError) -> str:
    """The file and the reason of a system error, without its number."""
    reason = error.strerror or str(error) or type(error).__name__
    return f"{os.fsdecode(error.filename)}: {reason}" if isinstance(error.filename, str | bytes) else reason


def _show_any_letter() -> None:
    """Show characters that the terminal's encoding lacks as escapes, instead of failing."""
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
    """Flush the output now: at exit the interpreter would report a closed pipe as an error."""
    if sys.stdout is None:
        return
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
