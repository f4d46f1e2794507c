"""Where a server listens and how its clients call that: HOST and PORT as an address to bind and as a URL."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Final

HERE: Final = "127.0.0.1"
"""This machine, for a client that looks for a service on it. HOST is not for it: it may be another's, conda's say."""

_REACHED_AT: Final = {"0.0.0.0": HERE, "::": "::1"}
"""A server that listens on all addresses is reached on this machine's own."""


def bind(host: str, port: int) -> str:
    """What to listen on: an IPv6 address stands in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def url(host: str, port: int) -> str:
    """Where a client on this machine reaches a server that listens on `host`."""
    return f"http://{bind(_REACHED_AT.get(host, host), port)}"


def is_here(host: str) -> bool:
    """Whether a host in a URL is this machine."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
