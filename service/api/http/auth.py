"""Authorization by bearer keys, stored only as digests, compared in constant time and never logged."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable

from flask import Blueprint, g, request

from service.api.http.errors import ApiError
from service.keys.errors import KeysUnavailableError
from service.keys.key_file import Key, Role, digest

Guard = Callable[[], None]


class KeyRing:
    """The keys of the settings, those `made` with `keys add`, and the generated admin key `own`, in their current
    state; both functions raise KeysUnavailableError if keys cannot be read, and so does every method that calls them.

    Without any app key, everything except management is open to all. After an app key was created, even a revoked one,
    apps need a key; while keys cannot be read, everything that they protect is closed.
    """

    def __init__(
        self,
        keys: Iterable[str],
        admin_keys: Iterable[str],
        made: Callable[[], tuple[Key, ...]] = lambda: (),
        own: Callable[[], str] | None = None,
    ) -> None:
        self._app = tuple(map(digest, keys))
        self._admin = tuple(map(digest, admin_keys))
        self._made = made
        self._own = own

    def check(self) -> None:
        """Raises KeysUnavailableError when no key can be checked."""
        self._made()

    def check_own(self) -> None:
        """Raises KeysUnavailableError when the service's own admin key cannot be read."""
        self._own_key()

    def is_open(self) -> bool:
        """Whether apps need no key. Raises KeysUnavailableError."""
        return not any(key.role == "app" for key in self._made()) and not self._app

    def role(self) -> Role | None:
        """The role of this request's key, None without one. Raises KeysUnavailableError if it cannot be checked."""
        made, presented = self._made(), _presented()
        if not presented:
            return None
        sha256 = digest(presented)
        if _is_one_of(sha256, _valid(made, "admin", self._admin)):
            return "admin"
        if _is_one_of(sha256, _valid(made, "app", self._app)):
            return "app"
        return "admin" if _is_one_of(sha256, self._own_key()) else None

    def _own_key(self) -> tuple[str, ...]:
        return () if self._own is None else (digest(self._own()),)


def require_valid(ring: KeyRing) -> None:
    """Raises ApiError 401 for an invalid key; a request without a key passes."""
    if _presented() and ring.role() is None:
        raise _unauthorized()


def require_key(ring: KeyRing) -> Guard:
    """A guard for what apps may use: open to all if there are no keys; admin keys are valid too."""

    def guard() -> None:
        if ring.is_open():
            return
        if ring.role() is None:
            raise _unauthorized()
        g.accepted_key = digest(_presented())

    return guard


def accepted_key() -> str:
    """The digest of the key with which this request passed `require_key`; empty if none was needed."""
    return str(g.get("accepted_key", ""))


def require_admin(ring: KeyRing) -> Guard:
    """A guard for what only admins may use: 403 for a valid app key, 401 for no key or an invalid one."""

    def guard() -> None:
        role = ring.role()
        if role == "app":
            raise ApiError(403, "admin_required", "this key may generate; this route needs an admin key")
        if role is None:
            ring.check_own()
            raise _unauthorized()

    return guard


def guarded(name: str, guard: Guard, url_prefix: str | None = None) -> Blueprint:
    """A blueprint whose routes are all protected by the guard."""
    routes = Blueprint(name, __name__, url_prefix=url_prefix)
    routes.before_request(guard)
    return routes


def identity(ring: KeyRing) -> str:
    """Identifies the client for rate limits: the digest of a valid key, else the address."""
    try:
        known = ring.role() is not None
    except KeysUnavailableError:
        known = False
    return digest(_presented()) if known else f"address {request.remote_addr}"


def _presented() -> str:
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else ""


def _valid(made: Iterable[Key], role: Role, given: tuple[str, ...]) -> list[str]:
    return [*given, *(key.sha256 for key in made if key.role == role and key.revoked is None)]


def _is_one_of(sha256: str, known: Iterable[str]) -> bool:
    """Compares with every key, so that the time taken does not reveal which one is similar."""
    return sum(hmac.compare_digest(sha256, each) for each in known) > 0


def _unauthorized() -> ApiError:
    return ApiError(401, "invalid_api_key", "a valid key is needed: Authorization: Bearer <key>")
