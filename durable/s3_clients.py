"""Connections to an S3 bucket, each with a bound on the time of a request; configured by the AWS_* variables that all
clients of S3 know, AWS_ENDPOINT_URL among them."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from obstore.exceptions import BaseError
from obstore.store import S3Store

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig, S3Config

CONNECT_SECONDS: Final = 2
SECONDS: Final = 3
"""How long one try of a request may take, and one to two more for each megabyte."""

MEGABYTE: Final = 1 << 20

NO_RETRIES: Final[RetryConfig] = {"max_retries": 0}
"""`S3Objects` repeats requests itself: it knows which of them may have succeeded before."""

CREDENTIALS: Final = (
    "access_key_id",
    "skip_signature",
    "web_identity_token_file",
    "container_credentials_relative_uri",
    "container_credentials_full_uri",
)
"""What says where the credentials come from. Without any, a machine at AWS has its own role's."""


class S3SettingsError(ValueError):
    """The settings name no bucket that could be asked; the message says what is missing."""


class S3Clients:
    """The connections to one bucket. `settings` come before the environment's."""

    def __init__(self, bucket: str, prefix: str, settings: S3Config) -> None:
        self.bucket = bucket
        self._prefix = prefix
        self._settings: S3Config = {"disable_bulk_delete": True, **settings}
        self._clients: dict[int, S3Store] = {}
        self.endpoint = str(self._checked(self._made(SECONDS, allow_http=True)).get("endpoint", ""))

    def of(self, size: int) -> S3Store:
        """The client for a request with so many bytes. Raises RuntimeError in a process that was forked after its
        parent had used one: the threads that do the work are the parent's, and it would wait for ever."""
        if not _users:
            _users.add(os.getpid())
        if os.getpid() not in _users:
            raise RuntimeError("the store has been used by the process that this one was forked from")
        seconds = seconds_for(size)
        if seconds not in self._clients:
            self._clients[seconds] = self._made(seconds, allow_http=self.endpoint.startswith("http://"))
        return self._clients[seconds]

    def _made(self, seconds: int, *, allow_http: bool) -> S3Store:
        options: ClientConfig = {
            "allow_http": allow_http,
            "connect_timeout": timedelta(seconds=CONNECT_SECONDS),
            "timeout": timedelta(seconds=seconds),
        }
        config: Any = self._settings
        try:
            return S3Store(
                self.bucket,
                prefix=self._prefix or None,
                config=config,
                client_options=options,
                retry_config=NO_RETRIES,
            )
        except (BaseError, ValueError) as error:
            raise S3SettingsError(str(error).partition("\n")[0]) from error

    def _checked(self, client: S3Store) -> S3Config:
        config = client.config
        if config.get("endpoint") and not any(config.get(name) for name in CREDENTIALS):
            raise S3SettingsError("there are no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
        return config


_users: Final[set[int]] = set()
"""The process that has used a client, if any has."""


def seconds_for(size: int) -> int:
    """How long one try of a request with so many bytes may take. Few values mean few clients."""
    return SECONDS + (1 << (size // MEGABYTE).bit_length() if size >= MEGABYTE else 0)
