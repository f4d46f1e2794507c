"""What the URL of a Redis server says, checked before anything connects; no message shows a password.

Besides redis-py's forms there is one for Sentinel, in the grammar that others use as well (Redis-Sentinel-Url, limits,
Prefect): redis+sentinel://[user:password@]host[:port][,host[:port]...]/service[/database][?options].
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import SplitResult, unquote, urlsplit

from redis.connection import SSLConnection, parse_url
from redis.exceptions import RedisError

RULE: Final = (
    "look like redis://[:password@]host[:port][/database], rediss:// (TLS), unix:///path or"
    " redis+sentinel://[user:password@]host[:port][,host...]/service[/database], with #, /, ? and @ in a password"
    " written as %23, %2F, %3F and %40"
)
SENTINEL_PORT: Final = 26379

_PLAIN: Final = {"redis": "redis", "rediss": "rediss", "redis+sentinel": "redis", "rediss+sentinel": "rediss"}
"""The scheme of one server's URL that has the same options."""
_OPTIONS: Final = frozenset(
    {
        *("username", "password", "db", "client_name", "protocol", "max_connections", "health_check_interval"),
        *("socket_timeout", "socket_connect_timeout", "socket_keepalive", "retry_on_timeout"),
    }
)
_SENTINEL_OPTIONS: Final = {"sentinel_username": "username", "sentinel_password": "password"}
_TLS_OPTIONS: Final = frozenset(
    {
        *("ssl_ca_certs", "ssl_ca_path", "ssl_certfile", "ssl_keyfile", "ssl_password", "ssl_cert_reqs"),
        *("ssl_check_hostname", "ssl_min_version", "ssl_ciphers"),
    }
)


class RedisUrlError(ValueError):
    """What is wrong with a URL, as the end of a sentence that begins with what it is called."""


@dataclass(frozen=True, slots=True)
class RedisUrl:
    """What a URL says: `options` are redis-py's arguments for a connection, `sentinels` the addresses of those who know
    the primary of `service`, with the arguments for connections to them; empty for one server."""

    options: Mapping[str, Any] = field(repr=False)
    has_tls: bool = False
    sentinels: tuple[tuple[str, int], ...] = ()
    service: str = ""
    sentinel_options: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def address(self) -> str:
        """Where it leads, without user and password, for logs."""
        if self.sentinels:
            return f"{self.service} of {','.join(f'{_bracketed(host)}:{port}' for host, port in self.sentinels)}"
        if "path" in self.options:
            return str(self.options["path"])
        return f"{_bracketed(self.options.get('host', 'localhost'))}:{self.options.get('port', 6379)}"


def parse(url: str) -> RedisUrl:
    """Raises RedisUrlError. Reads the certificates that the URL names, and connects to nothing."""
    scheme, separator, rest = url.partition("://")
    if not separator or (scheme not in _PLAIN and scheme != "unix") or "#" in rest:
        raise RedisUrlError(f"must {RULE}")
    found = _with_sentinels(scheme, rest) if scheme.endswith("+sentinel") else _of_one(scheme, url)
    _check_options(found)
    return found


def _of_one(scheme: str, url: str) -> RedisUrl:
    parts = _split(url)
    if scheme != "unix":
        _check_database(parts.path.removeprefix("/"))
    elif parts.hostname or not parts.path:
        raise RedisUrlError("must name a socket by its whole path, as in unix:///run/redis.sock")
    return RedisUrl(_options(url), scheme == "rediss")


def _with_sentinels(scheme: str, rest: str) -> RedisUrl:
    location, _, query = rest.partition("?")
    authority, _, path = location.partition("/")
    user, at, hosts = authority.rpartition("@")
    service, _, database = path.partition("/")
    if not service:
        raise RedisUrlError(
            "must name the service that the Sentinels watch, as in redis+sentinel://host:26379/mymaster"
        )
    _check_database(database)
    options = _options(f"{_PLAIN[scheme]}://{user}{at}localhost/{database}?{query}")
    del options["host"]
    has_tls = scheme.startswith("rediss")
    shared = {name: value for name, value in options.items() if name.startswith("ssl_")}
    own = {given: options.pop(name) for name, given in _SENTINEL_OPTIONS.items() if name in options}
    sentinels = tuple(_sentinel(each) for each in hosts.split(","))
    return RedisUrl(options, has_tls, sentinels, unquote(service), {**shared, **own})


def _sentinel(host: str) -> tuple[str, int]:
    parts = _split(f"//{host}")
    if not parts.hostname or parts.username is not None:
        raise RedisUrlError(f"must {RULE}")
    return unquote(parts.hostname), parts.port or SENTINEL_PORT


def _split(url: str) -> SplitResult:
    """The parts, with a port that can be one: what comes after a colon may be part of a password, and is not shown."""
    try:
        parts = urlsplit(url)
        if parts.port == 0:
            raise ValueError
    except ValueError:
        raise RedisUrlError(f"must {RULE}") from None
    return parts


def _check_database(text: str) -> None:
    if text and not (text.isascii() and text.isdecimal()):
        raise RedisUrlError("must end in the number of a database, a whole number from 0, as in redis://host:6379/0")


def _options(url: str) -> dict[str, Any]:
    try:
        options: dict[str, Any] = parse_url(url)  # type: ignore[no-untyped-call]
    except ValueError as error:  # its message names an option, and no value
        raise RedisUrlError(f"is no valid URL: {error}") from None
    options.pop("connection_class", None)
    return options


def _check_options(found: RedisUrl) -> None:
    known = _OPTIONS | (_TLS_OPTIONS if found.has_tls else frozenset()) | {"host", "port", "path"}
    if unknown := sorted(set(found.options) - known):
        hint = "; ssl_ options need rediss://" if unknown[0] in _TLS_OPTIONS else ""
        raise RedisUrlError(f"has an option that is not known: {unknown[0][:40]!r}{hint}")
    if found.options.get("db", 0) < 0:
        raise RedisUrlError("must have a database from 0")
    if found.options.get("protocol", 3) not in (2, 3):
        raise RedisUrlError("must have 2 or 3 as protocol")
    if found.has_tls:
        _check_tls(found.options)


def _check_tls(options: Mapping[str, Any]) -> None:
    """That the certificates are there and can be used; the message names the file and says what is wrong."""
    try:
        SSLConnection(**{k: v for k, v in options.items() if k.startswith("ssl_")})
    except (RedisError, TypeError, ValueError) as error:
        raise RedisUrlError(f"has an option that cannot be used: {error}") from None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    certificate, key = options.get("ssl_certfile"), options.get("ssl_keyfile")
    for name, use in (
        ("ssl_ca_certs", lambda path: context.load_verify_locations(cafile=path)),
        ("ssl_ca_path", lambda path: context.load_verify_locations(capath=path)),
        ("ssl_certfile", lambda path: context.load_cert_chain(path, key, options.get("ssl_password") or "")),
    ):
        if path := options.get(name):
            try:
                use(path)  # type: ignore[no-untyped-call]
            except OSError as error:  # SSLError is one
                shown = f"{path} with ssl_keyfile={key}" if name == "ssl_certfile" and key else path
                raise RedisUrlError(f"has {name}={shown}, which cannot be used: {error.strerror or error}") from None
    if key and not certificate:
        raise RedisUrlError("has ssl_keyfile, but no ssl_certfile")


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
