"""Requests to an S3 bucket, repeated while that may help, and not for longer than a few seconds."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeVar

from obstore.exceptions import BaseError
from obstore.store import S3Store

from durable.objects import ObjectMissingError, StoreRefusedError, StoreUnavailableError
from durable.s3_clients import S3Clients
from durable.s3_errors import VERDICTS, is_missing, may_pass, reason_of

if TYPE_CHECKING:
    from obstore.store import S3Config

T = TypeVar("T")

PATIENCE: Final = 7.0
"""So many seconds after the first try the last one may begin."""

PAUSE: Final = 0.1
"""Seconds before the second try, on average; doubled each time."""


class S3Requests:
    """Asks for the objects in a bucket whose keys begin with `prefix` and a slash."""

    def __init__(self, bucket: str, prefix: str, settings: S3Config, patience: float) -> None:
        self._patience = patience
        self._clients = S3Clients(bucket, prefix, settings)
        self._shown = f"s3://{bucket}/{prefix}".rstrip("/")

    def __str__(self) -> str:
        at = self._clients.endpoint
        return f"{self._shown} at {at}" if at else self._shown

    def ask(self, what: str, act: Callable[[S3Store], T], key: str, size: int = 0) -> T:
        """What `act` returns; of a request with so many bytes, which reads, writes, lists or deletes the object:
        `what` is that verb. Whatever has failed may have happened nevertheless.

        Raises ObjectMissingError, StoreUnavailableError (StoreRefusedError), and the exceptions of `VERDICTS`.
        """
        client = self._clients.of(size)
        last, pause = time.monotonic() + self._patience, PAUSE
        while True:
            try:
                return act(client)
            except VERDICTS:
                raise
            except (BaseError, FileNotFoundError) as error:
                if is_missing(error):
                    raise ObjectMissingError(key) from None
                if not may_pass(error):
                    raise StoreRefusedError(f"{self} does not {what} {key}: {reason_of(error)}") from None
                if time.monotonic() + pause > last:
                    raise StoreUnavailableError(f"{self} does not {what} {key}: {reason_of(error)}") from None
            time.sleep(pause * (0.5 + secrets.randbelow(1000) / 1000))
            pause *= 2
