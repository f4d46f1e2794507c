"""Continuations as signed tokens of URL-safe characters, and back; knows nothing of files with keys.

A token is base64 of the payload, a full stop, and an HMAC-SHA-256 of both. The payload:

    1 byte      FORMAT
    1 byte      1 if the head is compressed (zlib)
    4 bytes     length n of the head, little-endian
    n bytes     the head: JSON, without fields that have their defaults
    ...         the state
"""

from __future__ import annotations

import hashlib
import json
import struct
import zlib
from collections.abc import Callable, Mapping
from dataclasses import Field, asdict, astuple, fields
from functools import lru_cache
from typing import Any, Final, get_args

from itsdangerous import BadData, BadSignature, Signer
from itsdangerous.encoding import base64_decode, base64_encode

from charrnn.engine.steering import Held
from charrnn.parameters import parameters
from charrnn.patterns.compiling import Kind, Pattern
from charrnn.sampling import SamplingParams
from charrnn.stopping import Pending
from service.generation.continuations.continuation import Continuation, Place
from service.generation.errors import BesidePatternError, InvalidContinuationError

FORMAT: Final = 1
LONGEST: Final = 1 << 20
"""In characters: the state of the largest network that there can be needs some 600,000."""

LARGEST_PATTERN: Final = 1 << 15
"""In bytes, compressed: a continuation with a larger one might not fit in a line of a stream."""

_SALT: Final = b"charrnn.continuation"
_HEAD: Final = struct.Struct("<BBI")
_LONG_HEAD: Final = 1024
"""In bytes: a longer head, which has long stop texts or many ids, is compressed."""
_LARGEST_HEAD: Final = 1 << 22


class Continuations:
    """Makes tokens and reads them. `keys` returns those that are accepted, the newest first, which signs; it may raise
    an error of its own."""

    def __init__(self, keys: Callable[[], tuple[str, ...]]) -> None:
        self._keys = keys

    def check(self, pattern: Pattern | None = None) -> None:
        """Raises what `keys` raises, and BesidePatternError for a pattern that is too large for a token."""
        self._keys()
        if not holds(pattern):
            bound = f"{LARGEST_PATTERN} bytes, compressed"
            raise BesidePatternError("continuation", f"must be false beside so large a pattern: it may have {bound}")

    def token(self, continuation: Continuation) -> str:
        """The token: for an lstm of 3 layers of 512 units about 10,500 characters in int8 and 15,000 in float32, unless
        long stop texts or many ids are to be carried."""
        head = _written(continuation)
        is_long = len(head) > _LONG_HEAD
        head = zlib.compress(head) if is_long else head
        payload = _HEAD.pack(FORMAT, is_long, len(head)) + head + continuation.state
        return _signer(self._keys()).sign(base64_encode(payload)).decode()

    def read(self, token: str) -> Continuation:
        """What the token holds. Nothing of it is looked at before its signature is found to be right. Raises
        InvalidContinuationError."""
        if len(token) > LONGEST:
            raise InvalidContinuationError(f"it must have at most {LONGEST} characters, not {len(token)}")
        try:
            payload = base64_decode(_signer(self._keys()).unsign(token.encode()))
            _check_spelling(token.rpartition(".")[2])
        except (BadData, UnicodeEncodeError) as error:
            raise InvalidContinuationError(
                "it was not made by this service, was changed or cut off, or its key is not accepted any more"
            ) from error
        if payload[:1] != bytes([FORMAT]):
            raise InvalidContinuationError("it was made by another release of the service, in a format not known here")
        try:
            return _read(payload)
        except (ValueError, TypeError, AttributeError, LookupError, RecursionError, struct.error, zlib.error) as error:
            raise InvalidContinuationError(
                "it has fields, or values of them, that this release of the service does not know"
            ) from error


def holds(pattern: Pattern | None) -> bool:
    """Whether a token has room for the pattern."""
    if pattern is None:
        return True
    source = json.dumps(pattern.source).encode()
    return len(source) <= LARGEST_PATTERN or len(zlib.compress(source)) <= LARGEST_PATTERN


@lru_cache(maxsize=8)
def _signer(keys: tuple[str, ...]) -> Signer:
    return Signer([*reversed(keys)], _SALT, digest_method=hashlib.sha256)


def _check_spelling(signature: str) -> None:
    """Raises BadSignature for a signature that is right but spelled in another way than it is made: decoding passes
    over some characters and bits."""
    if base64_encode(base64_decode(signature)).decode() != signature:
        raise BadSignature("the signature has characters that do not count")


def _written(continuation: Continuation) -> bytes:
    """The head: all fields but the state."""
    head = _changed(continuation, _PLAIN) | {"sampling": _changed(continuation.sampling, _SAMPLING)}
    if continuation.pending.text:
        head["pending"] = asdict(continuation.pending)
    if continuation.pattern is not None:
        head["pattern"] = astuple(continuation.pattern)
    if continuation.place is not None:
        head["place"] = astuple(continuation.place)
    if continuation.held:
        head["held"] = [astuple(each) for each in continuation.held]
    return json.dumps(head, separators=(",", ":")).encode()


def _read(payload: bytes) -> Continuation:
    _, is_long, length = _HEAD.unpack_from(payload)
    head, state = payload[_HEAD.size : _HEAD.size + length], payload[_HEAD.size + length :]
    if is_long:
        head = zlib.decompressobj().decompress(head, _LARGEST_HEAD)
    found: dict[str, Any] = json.loads(head)
    sampling = _sampling(found.pop("sampling"))
    pending = Pending(**found.pop("pending", {}))
    held = tuple(Held(*each) for each in found.pop("held", ()))
    pattern = _pattern(*found.pop("pattern")) if "pattern" in found else None
    place = Place(*found.pop("place")) if "place" in found else None
    made = Continuation(
        **_tuples(found), state=state, sampling=sampling, pending=pending, held=held, pattern=pattern, place=place
    )
    _check_kinds(made)
    return made


def _pattern(kind: Kind, source: str | list[str]) -> Pattern:
    """Raises ValueError for a pattern of a kind that there is not, or of another source than its kind has."""
    if kind not in get_args(Kind) or isinstance(source, list) != (kind == "choice"):
        raise ValueError(f"there is no pattern {kind!r} of a {type(source).__name__}")
    return Pattern(kind, tuple(source) if isinstance(source, list) else source)


def _sampling(found: Mapping[str, Any]) -> SamplingParams:
    """Raises ValueError, TypeError or LookupError for parameters that there are not, or out of their bounds."""
    for name, value in found.items():
        _DECLARED[name].check(value)
    return SamplingParams(**_tuples(found))


def _check_kinds(made: Continuation) -> None:
    """Raises TypeError or ValueError for texts and whole numbers that are something else."""
    pending, sampling, pattern, place = made.pending, made.sampling, made.pattern, made.place
    texts = (made.name, made.digest, made.precision, pending.text, *made.stop)
    biased = tuple([id_ for id_, _ in sampling.logit_bias])
    counts = (made.version, made.min_tokens, pending.given, pending.searched, *biased)
    counts += sampling.allowed_token_ids or ()
    if pattern is not None:
        texts += (pattern.source,) if isinstance(pattern.source, str) else pattern.source
    if place is not None:
        counts += (place.state, place.check)
    if {*map(type, texts)} != {str} or {*map(type, counts)} != {int} or min(counts) < 0:
        raise TypeError("a field has another type")


def _defaults(kind: type, *left_out: str) -> tuple[tuple[str, Any], ...]:
    """The fields of a dataclass with their defaults; MISSING for none."""
    declared: tuple[Field[Any], ...] = fields(kind)
    return tuple((each.name, each.default) for each in declared if each.name not in left_out)


_PLAIN: Final = _defaults(Continuation, "state", "sampling", "pending", "held", "pattern", "place")
_SAMPLING: Final = _defaults(SamplingParams)
_DECLARED: Final = parameters(SamplingParams)


def _changed(value: object, defaults: tuple[tuple[str, Any], ...]) -> dict[str, Any]:
    """The fields that do not have their defaults."""
    return {name: found for name, default in defaults if (found := getattr(value, name)) != default}


def _tuples(found: Mapping[str, Any]) -> dict[str, Any]:
    """The fields, with tuples for JSON's lists."""
    return {name: _tuple(value) if isinstance(value, list) else value for name, value in found.items()}


def _tuple(values: list[Any]) -> tuple[Any, ...]:
    return tuple(_tuple(value) if isinstance(value, list) else value for value in values)
