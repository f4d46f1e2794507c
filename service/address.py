"""HOST and PORT as an address to bind and as a URL for clients."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Final

HERE: Final = "127.0.0.1"
"""This machine's address for clients. They do not use HOST, which may have been set by other software, such as
conda."""

_REACHED_AT: Final = {"0.0.0.0": HERE, "::": "::1"}  # nosec B104 # looked up, not listened on
"""How clients on this machine reach a server that listens on all addresses."""


def bind(host: str, port: int) -> str:
    """The address to bind, with brackets for IPv6."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def url(host: str, port: int) -> str:
    """The URL at which a client on this machine reaches a server that listens on `host`."""
    return f"http://{bind(_REACHED_AT.get(host, host), port)}"


def is_here(host: str) -> bool:
    """Whether a host in a URL is this machine."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
