"""Values in Redis that begin with a digest of them and their key, so that neither damaged values nor another key's are
ever believed. It is no signature: who can write to Redis can make one."""

from __future__ import annotations

import hashlib
from typing import Final

DIGEST_BYTES: Final = 16


def sealed(key: str, value: bytes) -> bytes:
    """The value with the digest of both before it."""
    return _digest(key, value) + value


def unsealed(key: str, data: bytes) -> bytes:
    """The inverse of `sealed`. Raises ValueError for anything else, and for another key's."""
    value = data[DIGEST_BYTES:]
    if _digest(key, value) != data[:DIGEST_BYTES]:
        raise ValueError("it does not match its digest")
    return value


def _digest(key: str, value: bytes) -> bytes:
    """The end of a key is what tells it from others; more than 64 bytes cannot be given."""
    return hashlib.blake2b(value, key=key.encode()[-64:], digest_size=DIGEST_BYTES).digest()
