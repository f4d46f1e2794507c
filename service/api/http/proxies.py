"""Takes a request's client address and scheme from the headers of trusted proxies."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final

from werkzeug.middleware.proxy_fix import ProxyFix

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_ADDRESS: Final = re.compile(r"\[([^\[\]]+)\](?::\d+)?|([^:]+):\d+|(.+)")
"""An address, with a port as some proxies add it."""


class BehindProxies:
    """The application behind `count` proxies, each of which adds to X-Forwarded-For.

    A header that is not an IP address, or not the scheme http or https, is ignored: the client then counts as the proxy
    does.
    """

    def __init__(self, application: WSGIApplication, count: int) -> None:
        self._application = application
        self._trusting = ProxyFix(self._checked, x_for=count)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return self._trusting(environ, start_response)

    def _checked(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        given: dict[str, Any] = environ["werkzeug.proxy_fix.orig"]
        environ["REMOTE_ADDR"] = _address(environ.get("REMOTE_ADDR", "")) or given["REMOTE_ADDR"]
        if environ["wsgi.url_scheme"] not in ("http", "https"):
            environ["wsgi.url_scheme"] = given["wsgi.url_scheme"]
        return self._application(environ, start_response)


def _address(text: str) -> str | None:
    """The IP address in its usual form, without a port; None if it is none."""
    if (found := _ADDRESS.fullmatch(text)) is None:
        return None
    with suppress(ValueError):
        return ip_address(next(filter(None, found.groups()))).compressed
    return None
