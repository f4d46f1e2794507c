"""The files through which web processes share their metrics: after a full disk, a damaged file or the death of a
process, only some values are lost."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from prometheus_client import values
from prometheus_client.core import Metric
from prometheus_client.mmap_dict import mmap_key
from prometheus_client.registry import Collector

from durable import locks
from service.api.http.metrics_file import ReservedDict, is_whole, merged

log = logging.getLogger(__name__)

FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"

LOCK_SECONDS: Final = 0.25
"""How long a reader waits for another process, which may be suspended while it merges files."""

_NAME: Final = re.compile(r"(counter|histogram|summary|gauge_[a-z]+)_(\d+)\.db")
_ENDED: Final = "{}_ended.db"
"""The values of processes that have ended, in one file for each type."""


def shared_values() -> SharedValues | None:
    """Let prometheus_client store this process's values in these files, and read those of all processes; None if values
    are not shared."""
    if not getattr(values.ValueClass, "_multiprocess", False):
        return None
    values.MmapedDict = ReservedDict  # type: ignore[attr-defined]  # the library has no other way
    shared = SharedValues(Path(os.environ[FOLDER]))  # set by gunicorn, for prometheus_client
    shared.fold()
    return shared


class SharedValues(Collector):
    """The values of all processes, including those that have ended."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._reported: set[str] = set()

    def collect(self) -> Iterable[Metric]:
        """The metric families; a file that cannot be read is omitted."""
        with self._locked() as may_fold:
            if may_fold:
                self._fold()
            return merged(self._whole(self._folder.glob("*.db")))

    def fold(self) -> None:
        """Merge the files of processes that have ended, so that there are never more files than processes."""
        with self._locked() as may_fold:
            if may_fold:
                self._fold()

    @contextmanager
    def _locked(self) -> Iterator[bool]:
        """Only one process at a time: while files are merged, their values could be read twice. Whether this process
        may merge them; not if another one has been at it for too long."""
        may_fold = True
        with ExitStack() as stack:
            try:
                stack.enter_context(locks.locked(self._folder / "fold.lock", LOCK_SECONDS))
            except TimeoutError:
                may_fold = False
            except OSError:  # in a folder that cannot be written, nothing changes
                pass
            yield may_fold

    def _fold(self) -> None:
        left = [file for file in self._folder.glob("*.db") if not file.name.endswith("_ended.db") and not _lives(file)]
        whole = self._whole(left)
        for kind in ("counter", "histogram", "summary"):
            ended = [file for file in whole if file.name.startswith(f"{kind}_")]
            if ended and not self._put_together(kind, ended):
                left = [file for file in left if file not in ended]  # they stay until there is space
        for file in left:
            file.unlink(missing_ok=True)

    def _put_together(self, kind: str, files: list[Path]) -> bool:
        target = self._folder / _ENDED.format(kind)
        draft = target.with_suffix(".draft")
        draft.unlink(missing_ok=True)
        sums = ReservedDict(str(draft))
        for metric in merged(self._whole([target]) + files, accumulate=False):
            for name, labels, value, *_ in metric.samples:
                key = mmap_key(metric.name, name, list(labels), list(labels.values()), metric.documentation)
                sums.write_value(key, value, 0.0)  # type: ignore[no-untyped-call]
        done = sums.is_shared
        sums.close()  # type: ignore[no-untyped-call]
        if done:
            draft.replace(target)
        else:
            draft.unlink(missing_ok=True)
        return done

    def _whole(self, files: Iterable[Path]) -> list[Path]:
        found = []
        for file in files:
            if is_whole(file):
                found.append(file)
            elif file.exists() and file.name not in self._reported:
                self._reported.add(file.name)
                log.warning("the metrics in %s cannot be read and are left out", file.name)
        return found


def _lives(file: Path) -> bool:
    """Whether the process that wrote the file is alive."""
    if (named := _NAME.fullmatch(file.name)) is None:
        return False
    try:
        os.kill(int(named[2]), 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
