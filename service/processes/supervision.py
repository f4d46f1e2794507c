"""Keeps a group of processes running, with supervisor's main loop; knows nothing of what the processes do."""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from supervisor import events, process  # type: ignore[import-untyped]
from supervisor.medusa.asyncore_25 import ExitNow  # type: ignore[import-untyped]
from supervisor.options import ServerOptions  # type: ignore[import-untyped]
from supervisor.supervisord import Supervisor  # type: ignore[import-untyped]

from service.output import STANDARD_ERROR, STANDARD_OUTPUT
from service.processes import orphans
from service.supervised import SETTLED_SECONDS, Supervised, delay

OUTPUTS: Final = {"stdout": STANDARD_OUTPUT, "stderr": STANDARD_ERROR}

_EVER: Final = 1 << 30  # starts
_LONGEST_LINE: Final = 1 << 16
_PARENT_DEATH_SIGNAL: Final = 1  # PR_SET_PDEATHSIG of <linux/prctl.h>


@dataclass(frozen=True)
class Program:
    """A process to keep running: its argument list and its environment variables.

    It gets `stop_seconds` to end before it is killed. After a failed start `mend` is called, which may say in a
    sentence what it has mended; then it is started again, at once the first time, later after a delay that grows.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    stop_seconds: int = 10
    mend: Callable[[], str] = str


def supervise(programs: Sequence[Program], run_dir: Path, report: Supervised) -> int:
    """Run the programs until a signal; returns 0.

    They are started in the order given and stopped in reverse order, one after the other. SIGINT, SIGTERM, SIGQUIT and
    SIGHUP stop them. Nothing else does: one that cannot be kept running is tried again and again, and the others go on.
    Call it from the main thread; `run_dir` gets the configuration and supervisor's own log, `report` what has happened.
    """
    process.time = _Monotonic  # the clock may be set meanwhile; the library has no other way
    file = run_dir / "supervisor.conf"
    file.write_text(configuration(programs), encoding="utf-8")
    options = _Options()
    options.realize(["-c", str(file)], doc=__doc__)
    options.first, options.test = True, False
    STANDARD_ERROR.report = STANDARD_OUTPUT.report = _losses
    with contextlib.redirect_stderr(STANDARD_ERROR.text()), contextlib.suppress(ExitNow):
        _Supervision(options, programs, report).main()
    report.end()
    options.close_logger()
    for output in (STANDARD_OUTPUT, STANDARD_ERROR):
        output.flush()
    return 0


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
        f"startretries={_EVER}",
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


class _Monotonic:
    """Stands in for the module `time` in supervisor."""

    time = staticmethod(time.monotonic)


class _Options(ServerOptions):  # type: ignore[misc]
    def execve(self, filename: str, argv: list[str], env: dict[str, str]) -> None:
        """Runs in the child: on Linux, the child is terminated when its supervisor is killed; until it has ended, no
        other service starts on this data."""
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(_PARENT_DEATH_SIGNAL, signal.SIGTERM)
        orphans.mark(Path(self.configfile).parent)
        super().execve(filename, argv, env)


class _Supervision(Supervisor):  # type: ignore[misc]
    def __init__(self, options: ServerOptions, programs: Sequence[Program], report: Supervised) -> None:
        super().__init__(options)
        self._programs = {program.name: program for program in programs}
        self._unfinished: dict[tuple[str, str], bytes] = {}
        self._report = report

    def runforever(self) -> None:
        # Subscribed here because supervisor forgets every subscription just before this.
        events.subscribe(events.ProcessLogEvent, self._pass_on)
        events.subscribe(events.ProcessStateExitedEvent, self._on_death)
        events.subscribe(events.ProcessStateBackoffEvent, self._on_failed_start)
        events.subscribe(events.ProcessStateStoppedEvent, self._on_stopped)
        events.subscribe(events.Tick5Event, self._on_tick)
        events.subscribe(events.SupervisorStoppingEvent, self._on_stopping)
        self._report.put()
        for group in sorted(self.process_groups.values()):
            group.transition()  # starts it now; the loop would first wait a second for events
        self._name_processes()
        super().runforever()

    def _pass_on(self, event: Any) -> None:
        """Pass on complete lines only, so that lines of different processes never mix."""
        key = (event.process.config.name, event.channel)
        data = self._unfinished.pop(key, b"") + event.data
        end = len(data) if len(data) > _LONGEST_LINE else data.rfind(b"\n") + 1
        if data[end:]:
            self._unfinished[key] = data[end:]
        if end:
            OUTPUTS[event.channel].write(data[:end])

    def _on_death(self, event: Any) -> None:
        self._clear_away(event.process)
        self._report.ended(event.process.config.name)
        _say(f"{event.process.config.name} (process {event.process.pid}) ended unexpectedly; it is started again")

    def _on_failed_start(self, event: Any) -> None:
        self._clear_away(event.process)
        name = event.process.config.name
        failed = event.process.backoff = self._report.ended(name)
        seconds = delay(failed)
        event.process.delay = time.monotonic() + seconds
        when = f" in {seconds} s: it has not stayed up {failed} times in a row" if seconds else ""
        _say(f"{name} (process {event.process.pid}) ended unexpectedly; it is started again{when}")
        try:
            mended = self._programs[name].mend()
        except Exception as error:  # whatever it is, the others go on
            mended = f"{name} could not be mended: {error}"
        if mended:
            _say(mended)

    def _on_stopped(self, event: Any) -> None:
        self._clear_away(event.process)

    def _on_tick(self, _: Any) -> None:
        self._name_processes()
        self._report.lost(sum(output.lost for output in OUTPUTS.values()))

    def _name_processes(self) -> None:
        processes = [each for group in self.process_groups.values() for each in group.processes.values()]
        self._report.running({each.config.name: each.pid for each in processes if each.pid})

    def _clear_away(self, process: Any) -> None:
        """Kill what the dead process had started, which must not run beside its successor, and write its last
        incomplete line."""
        if process.pid:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
        for channel, output in OUTPUTS.items():
            if rest := self._unfinished.pop((process.config.name, channel), b""):
                output.write(rest + b"\n")

    def _on_stopping(self, _: Any) -> None:
        _say("stopping")


def _say(message: str) -> None:
    STANDARD_ERROR.write(f"service: {message}\n".encode())


def _losses(lost: int) -> bytes:
    return f"service: {lost} lines of the log were lost: they were not read in time, or could not be written\n".encode()
