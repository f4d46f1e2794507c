"""Compiles patterns for the process that started this one, until that has ended: python -m charrnn.patterns
DESCRIPTOR."""

from __future__ import annotations

import gc
import os
import sys
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any, Final

from charrnn.patterns.compiling import Compiled, compile_pattern
from charrnn.patterns.errors import PatternError

NICENESS: Final = 10
"""Where all cores generate, it leaves most of the time to them."""


def main() -> None:
    os.nice(NICENESS)
    gc.freeze()
    gc.disable()  # a fourth of the time; what one pattern leaves is collected after it
    connection: Connection[Any, Any] = Connection(int(sys.argv[1]))
    with suppress(EOFError, ConnectionError):  # the process that asks has ended
        while True:
            arguments, named = connection.recv()
            connection.send(_answer(*arguments, **named))
            gc.collect()


def _answer(*arguments: Any, **named: Any) -> Compiled | PatternError:
    """What `compile_pattern` returns, or raises."""
    try:
        return compile_pattern(*arguments, **named)
    except PatternError as error:
        return error


if __name__ == "__main__":
    main()
