"""What a person reads when the service is up; knows the settings only."""

from __future__ import annotations

from typing import Final

from service.settings import Settings

HERE: Final = "127.0.0.1"
"""This machine, for whoever looks for a service on it. HOST is not for them: it may be another's, conda's say."""


def announcement(settings: Settings) -> str:
    """The address, where the admin's key is, and a request to try."""
    address = url(settings.host, settings.port)
    admin = "in ADMIN_API_KEYS" if settings.admin_api_keys else f"in {settings.data.admin_key}"
    key = "" if not settings.api_keys else " -H 'Authorization: Bearer <one of API_KEYS>'"
    return (
        f"\n  Listening on {address}   (web interface; API documentation: {address}/docs)\n"
        f"  Admin key:   {admin}\n"
        f'  Try:         curl {address}/generate{key} --json \'{{"prompt": "ROMEO:", "length": 200}}\'\n'
    )


def url(host: str, port: int) -> str:
    """Where a client on this machine reaches a server that listens on `host`; all-zero addresses are the loopback."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
