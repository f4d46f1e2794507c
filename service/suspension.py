"""Which of the service's processes are suspended, by a signal or a debugger. Linux says so in /proc, and so one that is
merely busy is none; where there is no /proc, nothing is found."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from service.supervised import SUPERVISOR

PROC: Final = Path("/proc")


@dataclass(frozen=True, slots=True)
class _Process:
    """Whether a process is suspended, and its parent's process id."""

    is_suspended: bool
    parent: int


class Suspension:
    """Looks at the processes of a service: `master`, the parent of the web processes, these, and those that
    `supervised` names, with their process ids: the supervisor and what it has started."""

    def __init__(self, master: int, supervised: Callable[[], Mapping[str, int]]) -> None:
        self._master = master
        self._supervised = supervised

    def found(self) -> Iterator[str]:
        """A sentence for each that is suspended now; the web processes share one."""
        master = _process(self._master)
        if master is None:
            return
        yield from self._of_supervisor(master.parent)
        if master.is_suspended:
            yield "web: the master process is suspended"
        if count := sum(each.is_suspended for each in map(_process, _children(self._master)) if each is not None):
            yield f"web: {count} {'process is' if count == 1 else 'processes are'} suspended"

    def _of_supervisor(self, parent: int) -> Iterator[str]:
        """Only if it is the parent of all: what it last said may be about processes that have ended."""
        supervised = self._supervised()
        if supervised.get(SUPERVISOR) != parent:
            return
        for name, pid in supervised.items():
            process = _process(pid) if pid != self._master else None
            if process is not None and process.is_suspended and parent in (pid, process.parent):
                yield f"{name}: it is suspended"


def _process(pid: int) -> _Process | None:
    """None if there is none."""
    with suppress(OSError):
        stat = (PROC / f"{pid}/stat").read_text(errors="replace")
        state, parent, *_ = stat.rpartition(")")[2].split()  # the name, in parentheses, may contain anything
        return _Process(state in ("T", "t"), int(parent))
    return None


def _children(pid: int) -> list[int]:
    with suppress(OSError):
        return [int(child) for child in (PROC / f"{pid}/task/{pid}/children").read_text().split()]
    return []
