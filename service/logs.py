"""Logging to standard error, one line for each event, as text or JSON; knows nothing of HTTP or of what is logged."""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from collections.abc import Callable
from contextvars import ContextVar
from datetime import datetime
from functools import lru_cache
from json.encoder import encode_basestring_ascii as quoted
from typing import Any, Final

from durable.clock import iso, now
from service.settings import Settings

TEXT: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s%(request)s"
REQUESTS: Final = "service.requests"
LONGEST_PATH: Final = 1000
"""In characters; a line this short is written to a pipe atomically, even while other processes write to it."""


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
            "message": record.getMessage(),
        }
        if request_id.get():
            line["request_id"] = request_id.get()
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line)


class RequestLog:
    """One line for each request, without `logging`, which would take longer than the shortest request."""

    def __init__(self, settings: Settings, write: Callable[[bytes], object] | None = None) -> None:
        self._enabled = settings.log_level in ("debug", "info")
        self._line = _json_line if chosen_format(settings) == "json" else _text_line
        self._write = write or _to_standard_error

    def request(self, method: str, path: str, status: int, seconds: float, name: str) -> None:
        """Log that the request with the id `name` was answered."""
        if self._enabled:
            self._write(self._line(method, path[:LONGEST_PATH], status, seconds * 1000, name).encode())


def configure(settings: Settings) -> None:
    """Configure logging with the level and the format of the settings."""
    logging.basicConfig(level=settings.log_level.upper(), force=True)
    for handler in logging.getLogger().handlers:
        handler.setFormatter(formatter(settings))


def gunicorn_configuration(settings: Settings) -> dict[str, Any]:
    """The configuration, for `logging.config`, of gunicorn's own messages in the same format."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": f"{__name__}.formatter", "settings": settings}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
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
    return "text" if sys.stderr.isatty() else "json"


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


def _to_standard_error(line: bytes) -> None:
    # A log that cannot be written must not break a request.
    try:
        os.write(sys.stderr.fileno(), line)
    except (OSError, ValueError):
        return
