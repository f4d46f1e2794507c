"""Keeps a group of processes running, with supervisor's main loop; knows nothing of what the processes do."""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import signal
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from supervisor import events  # type: ignore[import-untyped]
from supervisor.medusa.asyncore_25 import ExitNow  # type: ignore[import-untyped]
from supervisor.options import ServerOptions  # type: ignore[import-untyped]
from supervisor.states import SupervisorStates  # type: ignore[import-untyped]
from supervisor.supervisord import Supervisor  # type: ignore[import-untyped]

SETTLED_SECONDS = 10
"""A process that lives this long has started; dying earlier is a failed start, repeated with a growing delay."""

_LONGEST_LINE = 1 << 16
_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of <linux/prctl.h>


@dataclass(frozen=True)
class Program:
    """A process to keep running: its argument list and its environment variables.

    It gets `stop_seconds` to end before it is killed; after `starts` failed starts in a row all processes are stopped.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    stop_seconds: int = 10
    starts: int = 5


def supervise(programs: Sequence[Program], run_dir: Path) -> int:
    """Run the programs until a signal (0) or until one cannot be kept running (1).

    They are started in the order given and stopped in reverse order, one after the other. SIGINT, SIGTERM, SIGQUIT and
    SIGHUP stop them. Call it from the main thread; `run_dir` gets the configuration and supervisor's own log.
    """
    file = run_dir / "supervisor.conf"
    file.write_text(configuration(programs), encoding="utf-8")
    options = _Options()
    options.realize(["-c", str(file)], doc=__doc__)
    options.first, options.test = True, False
    supervision = _Supervision(options)
    with contextlib.suppress(ExitNow):
        supervision.main()
    options.close_logger()
    return int(supervision.failed)


def configuration(programs: Iterable[Program]) -> str:
    """supervisor's configuration file for these programs; paths are relative to the file's folder."""
    head = ["[supervisord]", "nodaemon=true", "silent=true", "logfile=%(here)s/supervisor.log", "logfile_maxbytes=1MB"]
    head += ["logfile_backups=1", "pidfile=%(here)s/supervisor.pid", "childlogdir=%(here)s"]
    return "\n".join([*head, *(line for rank, each in enumerate(programs) for line in _section(each, rank)), ""])


def _section(program: Program, rank: int) -> list[str]:
    environment = ",".join(f'{name}="{value}"' for name, value in program.environment.items())
    return [
        f"[program:{program.name}]",
        f"command={_escaped(program.command)}",
        f"environment={environment.replace('%', '%%')}",
        f"priority={rank}",
        "autorestart=true",
        f"startsecs={SETTLED_SECONDS}",
        f"startretries={program.starts - 1}",
        f"stopwaitsecs={program.stop_seconds}",
        "killasgroup=true",
        "stdout_logfile=NONE",
        "stderr_logfile=NONE",
        "stdout_events_enabled=true",
        "stderr_events_enabled=true",
    ]


def _escaped(command: Sequence[str]) -> str:
    # Backslashes, not quotes: supervisor's parser takes "#" or ";" after a space for a comment, even between quotes.
    return " ".join(re.sub(r"([^\w@%+=:,./-])", r"\\\1", each) or "''" for each in command).replace("%", "%%")


class _Options(ServerOptions):  # type: ignore[misc]
    def execve(self, filename: str, argv: list[str], env: dict[str, str]) -> None:
        """Runs in the child: on Linux, the child is terminated when its supervisor is killed."""
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(_PARENT_DEATH_SIGNAL, signal.SIGTERM)
        super().execve(filename, argv, env)


class _Supervision(Supervisor):  # type: ignore[misc]
    def __init__(self, options: ServerOptions) -> None:
        super().__init__(options)
        self.failed = False
        self._unfinished: dict[tuple[str, str], bytes] = {}

    def runforever(self) -> None:
        # Subscribed here because supervisor forgets every subscription just before this.
        events.subscribe(events.ProcessLogEvent, self._pass_on)
        events.subscribe(events.ProcessStateExitedEvent, self._on_death)
        events.subscribe(events.ProcessStateBackoffEvent, self._on_death)
        events.subscribe(events.ProcessStateStoppedEvent, self._on_stopped)
        events.subscribe(events.ProcessStateFatalEvent, self._on_failure)
        events.subscribe(events.SupervisorStoppingEvent, self._on_stopping)
        for group in sorted(self.process_groups.values()):
            group.transition()  # starts it now; the loop would first wait a second for events
        super().runforever()

    def _pass_on(self, event: Any) -> None:
        """Pass on complete lines only, so that lines of different processes never mix."""
        key = (event.process.config.name, event.channel)
        data = self._unfinished.pop(key, b"") + event.data
        end = len(data) if len(data) > _LONGEST_LINE else data.rfind(b"\n") + 1
        if data[end:]:
            self._unfinished[key] = data[end:]
        _write(sys.stdout if event.channel == "stdout" else sys.stderr, data[:end])

    def _on_death(self, event: Any) -> None:
        self._clear_away(event.process)
        again = "; it is started again" if event.process.backoff <= event.process.config.startretries else ""
        _say(f"{event.process.config.name} (process {event.process.pid}) ended unexpectedly{again}")

    def _on_stopped(self, event: Any) -> None:
        self._clear_away(event.process)

    def _clear_away(self, process: Any) -> None:
        """Kill what the dead process had started, which must not run beside its successor, and write its last
        incomplete line."""
        if process.pid:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
        for channel, stream in (("stdout", sys.stdout), ("stderr", sys.stderr)):
            rest = self._unfinished.pop((process.config.name, channel), b"")
            _write(stream, rest and rest + b"\n")

    def _on_failure(self, event: Any) -> None:
        config = event.process.config
        starts = f"{config.startretries + 1} starts failed, each within {config.startsecs} s"
        _say(f"{config.name} does not stay up ({starts}); stopping the rest")
        self.failed = True
        self.options.mood = SupervisorStates.SHUTDOWN

    def _on_stopping(self, _: Any) -> None:
        _say("stopping")


def _say(message: str) -> None:
    _write(sys.stderr, f"service: {message}\n".encode())


def _write(stream: TextIO, data: bytes) -> None:
    # A closed pipe (`| head`) must not end the processes.
    with contextlib.suppress(OSError):
        stream.buffer.write(data)
        stream.buffer.flush()
