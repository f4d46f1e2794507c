"""Connections to an S3 bucket, each with a bound on the time of a request; configured by the AWS_* variables that all
clients of S3 know, AWS_ENDPOINT_URL among them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from obstore.exceptions import BaseError
from obstore.store import S3Store

from durable.objects import StoreSettingsError

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig, S3Config

CONNECT_SECONDS: Final = 2
SECONDS: Final = 3
"""How long one try of a request may take, and one to two more for each megabyte."""

MEGABYTE: Final = 1 << 20

NO_RETRIES: Final[RetryConfig] = {"max_retries": 0}
"""`S3Objects` repeats requests itself: it knows which of them may have succeeded before."""

ENDPOINTS: Final = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
CREDENTIALS: Final = (
    *("AWS_ACCESS_KEY_ID", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_SKIP_SIGNATURE"),
    *("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"),
)
"""What says where the credentials come from. Without any, a machine at AWS has its own role's."""


class S3Clients:
    """The connections to one bucket. `settings` come before the environment's."""

    def __init__(self, bucket: str, prefix: str, settings: S3Config) -> None:
        self._bucket = bucket
        self._prefix = prefix
        self.endpoint = str(settings.get("endpoint") or _first(ENDPOINTS))
        if self.endpoint and not (settings.get("access_key_id") or _first(CREDENTIALS)):
            raise StoreSettingsError("there are no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
        self._settings: S3Config = {"disable_bulk_delete": True, **settings}
        if self.endpoint:
            self._settings["endpoint"] = self.endpoint
        self._clients = {SECONDS: self._made(SECONDS)}

    def of(self, size: int) -> S3Store:
        """The client for a request with so many bytes. Raises RuntimeError in a process that was forked after its
        parent had used one: the threads that do the work are the parent's, and it would wait for ever."""
        if not _users:
            _users.add(os.getpid())
        if os.getpid() not in _users:
            raise RuntimeError("the store has been used by the process that this one was forked from")
        seconds = seconds_for(size)
        if seconds not in self._clients:
            self._clients[seconds] = self._made(seconds)
        return self._clients[seconds]

    def _made(self, seconds: int) -> S3Store:
        options: ClientConfig = {
            "allow_http": self.endpoint.startswith("http://"),
            "connect_timeout": timedelta(seconds=CONNECT_SECONDS),
            "timeout": timedelta(seconds=seconds),
        }
        try:
            return S3Store(
                self._bucket,
                prefix=self._prefix or None,
                config=self._settings,
                client_options=options,
                retry_config=NO_RETRIES,
            )
        except (BaseError, ValueError) as error:
            raise StoreSettingsError(str(error).partition("\n")[0]) from error


def _first(names: Iterable[str]) -> str:
    """The first of these variables that is set."""
    return next((os.environ[name] for name in names if os.environ.get(name)), "")


_users: Final[set[int]] = set()
"""The process that has used a client, if any has."""


def seconds_for(size: int) -> int:
    """How long one try of a request with so many bytes may take. Few values mean few clients."""
    return SECONDS + (1 << (size // MEGABYTE).bit_length() if size >= MEGABYTE else 0)
