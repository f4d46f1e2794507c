"""Who may do what: bearer keys, compared in constant time and never logged."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable

from flask import request

from service.api.errors import ApiError

Guard = Callable[[], None]


def require_key(keys: Iterable[str], admin_keys: Iterable[str]) -> Guard:
    """A guard for what every app may use: open to all when there are no `keys`; an admin's key opens it too."""
    keys, admin_keys = tuple(keys), tuple(admin_keys)

    def guard() -> None:
        if keys and not _is_one_of(_presented(), keys + admin_keys):
            raise _unauthorized()

    return guard


def require_admin(keys: Iterable[str], admin_keys: Iterable[str]) -> Guard:
    """A guard for what only admins may use: 403 for an app's valid key, 401 for none or a wrong one."""
    keys, admin_keys = tuple(keys), tuple(admin_keys)

    def guard() -> None:
        key = _presented()
        if _is_one_of(key, admin_keys):
            return
        if _is_one_of(key, keys):
            raise ApiError(403, "admin_required", "this key may generate; this route needs a key of ADMIN_API_KEYS")
        raise _unauthorized()

    return guard


def _presented() -> str:
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else ""


def _is_one_of(key: str, keys: tuple[str, ...]) -> bool:
    """Looks at every key, so that the time taken tells nothing about which one is near."""
    presented = key.encode("utf-8", "surrogateescape")
    return sum(hmac.compare_digest(presented, known.encode()) for known in keys) > 0


def _unauthorized() -> ApiError:
    return ApiError(401, "invalid_api_key", "a valid key is needed: Authorization: Bearer <key>")
