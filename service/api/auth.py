"""Who may do what: bearer keys, known by their digests alone, compared in constant time and never logged."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable

from flask import request

from service.api.errors import ApiError
from service.keys import Key, Role, digest

Guard = Callable[[], None]


class KeyRing:
    """The keys of the settings, and those that were `made` by the service, as they stand at this moment.

    Without any key for apps everything but managing is open to all. A key that was revoked opens nothing, but does not
    open the doors to all either.
    """

    def __init__(
        self, keys: Iterable[str], admin_keys: Iterable[str], made: Callable[[], tuple[Key, ...]] = lambda: ()
    ) -> None:
        self._app = tuple(map(digest, keys))
        self._admin = tuple(map(digest, admin_keys))
        self._made = made

    def is_open(self) -> bool:
        """Whether apps need no key."""
        return not self._app and not any(key.role == "app" for key in self._made())

    def role(self) -> Role | None:
        """What the key of this request is good for."""
        presented = _presented()
        if not presented:
            return None
        told = digest(presented)
        if _is_one_of(told, self._of("admin", self._admin)):
            return "admin"
        return "app" if _is_one_of(told, self._of("app", self._app)) else None

    def _of(self, role: Role, given: tuple[str, ...]) -> list[str]:
        return [*given, *(key.sha256 for key in self._made() if key.role == role and key.revoked is None)]


def require_valid(ring: KeyRing) -> None:
    """Raises ApiError 401 for a key that is none of the ring's; having none is no fault."""
    if _presented() and ring.role() is None:
        raise _unauthorized()


def require_key(ring: KeyRing) -> Guard:
    """A guard for what every app may use: open to all when there are no keys; an admin's key opens it too."""

    def guard() -> None:
        if not ring.is_open() and ring.role() is None:
            raise _unauthorized()

    return guard


def require_admin(ring: KeyRing) -> Guard:
    """A guard for what only admins may use: 403 for an app's valid key, 401 for none or a wrong one."""

    def guard() -> None:
        role = ring.role()
        if role == "app":
            raise ApiError(403, "admin_required", "this key may generate; this route needs an admin's key")
        if role is None:
            raise _unauthorized()

    return guard


def identity(ring: KeyRing) -> str:
    """Whose request this is, for counting: a valid key's digest, else the address."""
    return digest(_presented()) if ring.role() is not None else f"address {request.remote_addr}"


def _presented() -> str:
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else ""


def _is_one_of(told: str, known: list[str]) -> bool:
    """Looks at every one, so that the time taken tells nothing about which one is near."""
    return sum(hmac.compare_digest(told, each) for each in known) > 0


def _unauthorized() -> ApiError:
    return ApiError(401, "invalid_api_key", "a valid key is needed: Authorization: Bearer <key>")
