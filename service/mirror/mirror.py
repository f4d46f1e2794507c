"""What DATA_DIR is on one machine: all there is. On several it is a mirror, `shared`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from service.mirror.counted import Requests


class Mirror:
    """Of one machine: DATA_DIR has all there is."""

    def start(self, patience: float = 0) -> None:
        """Begin to keep the mirror up to date, in a thread, unless another process of this machine does; `patience`:
        how many seconds that is left to others first."""

    def close(self) -> None:
        """Leave it to another process from now on."""

    def check_store(self) -> None:
        """Raises DataFormatError if the store must not be mirrored here, OSError if that is not known."""

    def refresh(self) -> None:
        """Bring all of it up to date now. Raises as `check_store` does."""

    def is_filled(self) -> bool:
        """Whether all is here that is needed to serve."""
        return True

    def check(self) -> None:
        """Raises MirrorNotFilledError if it is not."""

    def problems(self) -> Sequence[str]:
        """A sentence if the store does not answer."""
        return []

    def ages(self) -> Mapping[str, float]:
        """How many seconds ago each part was up to date."""
        return {}

    def requests(self) -> Mapping[tuple[str, str], Requests]:
        """What this process has asked the store so far, by method and outcome."""
        return {}
