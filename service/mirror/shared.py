"""What DATA_DIR is on one of several machines: a mirror of the store that they share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from service.mirror.counted import Requests
from service.mirror.mirror import Mirror
from service.mirror.refresher import Hints, Refresher
from service.mirror.report import MirrorReport, MirrorStatus
from service.mirror.schedule import Subject


class SharedMirror(Mirror):
    """Of one of several machines: a mirror of the store with this URL. `subjects` are its parts, in the order in which
    they are filled, and `needed` those without which nothing can be served; `may_mirror` raises what keeps the store
    from being mirrored here; `requests` counts what is asked; `lock` and `report` are files that the processes of this
    machine share."""

    def __init__(
        self,
        store: str,
        subjects: Sequence[Subject],
        needed: Sequence[str],
        hints: Hints,
        *,
        may_mirror: Callable[[], object],
        requests: Callable[[], Mapping[tuple[str, str], Requests]],
        lock: Path,
        report: Path,
    ) -> None:
        self.subjects = subjects
        self._store, self._hints = store, hints
        self._lock, self._report = lock, report
        self._may_mirror, self._requests = may_mirror, requests
        self._status = MirrorStatus(report, store, tuple(needed))
        self._refresher: Refresher | None = None

    def start(self, patience: float = 0) -> None:
        report = MirrorReport(self._report, self._store)
        self._refresher = Refresher(
            self.subjects, self._lock, report, self._hints, check=self._may_mirror, patience=patience
        )
        self._refresher.start()

    def close(self) -> None:
        if self._refresher is not None:
            self._refresher.close()

    def check_store(self) -> None:
        self._may_mirror()

    def refresh(self) -> None:
        self._may_mirror()
        for subject in self.subjects:
            subject.refresh()

    def is_filled(self) -> bool:
        return self._status.is_filled()

    def check(self) -> None:
        self._status.check()

    def problems(self) -> Sequence[str]:
        return self._status.problems()

    def ages(self) -> Mapping[str, float]:
        return self._status.ages()

    def requests(self) -> Mapping[tuple[str, str], Requests]:
        return self._requests()
