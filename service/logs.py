"""Logging to standard error, one line for each event, as text or JSON; knows nothing of HTTP or of what is logged.

Nothing waits for the reader of the log (`service.output`).
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from collections.abc import Callable
from contextvars import ContextVar
from datetime import datetime
from functools import lru_cache, partial
from json.encoder import encode_basestring_ascii as quoted
from typing import Any, Final

from durable.clock import iso, now
from service.output import ONE_PIECE, STANDARD_ERROR, STANDARD_OUTPUT
from service.settings import Settings

TEXT: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s%(request)s"
REQUESTS: Final = "service.requests"
LONGEST_PATH: Final = 1000
"""In characters; the lines of requests are then shorter than ONE_PIECE."""
LONGEST_MESSAGE: Final = 1000
"""In bytes of JSON; so much is kept of longer messages, and of each line of a traceback that is too long."""
ESCAPED: Final = 6
"""Bytes of a character that JSON escapes."""
KEPT_FRAMES: Final = (40, 20, 10, 5, 2)
"""How many lines of a long traceback's end are tried to be kept in a line of JSON."""


request_id: ContextVar[str] = ContextVar("request_id", default="")
"""The id of the request that this thread is handling, which is added to log messages."""


class TextFormatter(logging.Formatter):
    """A line of text, with the request's id at its end if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, and those of a traceback."""
        record.request = f" [{request_id.get()}]" if request_id.get() else ""
        return super().format(record)


class JsonFormatter(logging.Formatter):
    """One JSON object in a line: `time` (UTC, ISO 8601), `level`, `logger`, `message`, and the `trace` of an error."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line: dict[str, Any] = {
            "time": iso(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _cut(record.getMessage()),
        }
        if request_id.get():
            line["request_id"] = request_id.get()
        if not record.exc_info:
            return json.dumps(line)
        trace = self.formatException(record.exc_info)
        written = json.dumps(line | {"trace": trace})
        for kept in KEPT_FRAMES:
            if len(written) < ONE_PIECE:
                break
            shorter = ["...", *map(_cut, trace.split("\n")[-kept:])]
            written = json.dumps(line | {"trace": "\n".join(shorter)})
        return written


class RequestLog:
    """One line for each request, without `logging`, which would take longer than the shortest request."""

    def __init__(self, settings: Settings, write: Callable[[bytes], object] | None = None) -> None:
        self._enabled = settings.log_level in ("debug", "info")
        self._line = _json_line if chosen_format(settings) == "json" else _text_line
        self._write = write or STANDARD_ERROR.write

    def request(self, method: str, path: str, status: int, seconds: float, name: str) -> None:
        """Log that the request with the id `name` was answered."""
        if self._enabled:
            self._write(self._line(method, path[:LONGEST_PATH], status, seconds * 1000, name).encode())


def configure(settings: Settings) -> None:
    """Configure logging with the level and the format of the settings."""
    logging.basicConfig(level=settings.log_level.upper(), stream=STANDARD_ERROR.text(), force=True)
    for handler in logging.getLogger().handlers:
        handler.setFormatter(formatter(settings))


def never_wait(settings: Settings) -> None:
    """Let nothing that this process or a fork of it prints wait for its reader; the log says what was lost."""
    sys.stdout, sys.stderr = STANDARD_OUTPUT.text(), STANDARD_ERROR.text()
    STANDARD_ERROR.report = partial(_losses, formatter(settings))


def gunicorn_configuration(settings: Settings) -> dict[str, Any]:
    """The configuration, for `logging.config`, of gunicorn's own messages in the same format."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": f"{__name__}.formatter", "settings": settings}},
        "handlers": {
            "stderr": {"class": "logging.StreamHandler", "stream": STANDARD_ERROR.text(), "formatter": "line"}
        },
        "root": {"level": "WARNING", "handlers": ["stderr"]},
        "loggers": {"gunicorn.error": {"level": "WARNING", "handlers": ["stderr"], "propagate": False}},
    }


def formatter(settings: Settings) -> logging.Formatter:
    """The formatter for the chosen format."""
    return JsonFormatter() if chosen_format(settings) == "json" else TextFormatter(TEXT)


def chosen_format(settings: Settings) -> str:
    """`text` or `json`: the setting, or for `auto` text on a terminal."""
    if settings.log_format != "auto":
        return settings.log_format
    return "text" if os.isatty(2) else "json"  # sys.stderr is None if it is closed


def _losses(lines: logging.Formatter, lost: int) -> bytes:
    """A line of the log that says how many could not be written."""
    message = "%d lines of the log were lost: they were not read in time, or could not be written"
    record = logging.LogRecord(__name__, logging.WARNING, __file__, 0, message, (lost,), None)
    return f"{lines.format(record)}\n".encode()


def _json_line(method: str, path: str, status: int, milliseconds: float, name: str) -> str:
    return (
        f'{{"time": "{now()}", "level": "info", "logger": "{REQUESTS}", "method": {quoted(method)}, '
        f'"path": {quoted(path)}, "status": {status}, "ms": {milliseconds:.2f}, "request_id": {quoted(name)}}}\n'
    )


def _text_line(method: str, path: str, status: int, milliseconds: float, name: str) -> str:
    # Quoted like JSON unless it is plain, so that no path can forge a line.
    shown = path if path.isprintable() else quoted(path)
    return f"{_local(time.time())} INFO {REQUESTS}: {method} {shown} {status} {milliseconds:.1f} ms {name}\n"


def _local(seconds: float) -> str:
    """In the machine's time zone, as `logging` writes it."""
    second, microsecond = divmod(round(seconds * 1e6), 1_000_000)
    return f"{_local_second(second)},{microsecond // 1000:03d}"


@lru_cache(maxsize=16)
def _local_second(second: int) -> str:
    return f"{datetime.fromtimestamp(second):%Y-%m-%d %H:%M:%S}"


def _cut(text: str) -> str:
    most = LONGEST_MESSAGE if text.isascii() else LONGEST_MESSAGE // ESCAPED
    return text if len(text) <= most else f"{text[: most - 3]}..."
