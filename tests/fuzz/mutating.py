"""Changes of bytes and of JSON values, as a fuzzer makes them; knows no formats."""

from __future__ import annotations

import json
from random import Random
from typing import Any, Final

ODD_INTEGERS: Final = (0, -1, 1, 2, 255, 1 << 16, (1 << 31) - 1, 1 << 31, (1 << 63) - 1, 1 << 63, 1 << 64, -(1 << 63))
ODD_NUMBERS: Final = (*ODD_INTEGERS, 10**300, 0.5, -0.0, 1e-320, 1e308, 2.0, float("nan"), float("inf"), -float("inf"))
ODD_TEXTS: Final = (
    *("", " ", "\n", "a", "\0", "a\0b", "\ud800", "\udfff\ud800", "e\u0301", "\u202e", "\U0010ffff", "../..", "%00"),
    *("0", "NaN", "true", "null", "{}", "x" * 5000, "\u0301" * 300),
)


def odd_value(random: Random, depth: int = 0) -> Any:
    """A value of any type of JSON."""
    kind = random.randrange(7 if depth < 3 else 4)
    if kind == 0:
        return random.choice(ODD_NUMBERS)
    if kind == 1:
        return random.choice(ODD_TEXTS)
    if kind == 2:
        return random.choice((None, True, False))
    if kind == 3:
        return random.choice(([], {}, nested(random.choice((10, 100, 400)))))
    if kind == 4:
        return [odd_value(random, depth + 1) for _ in range(random.randrange(4))]
    if kind == 5:
        return {random.choice(ODD_TEXTS): odd_value(random, depth + 1) for _ in range(random.randrange(4))}
    return random.randrange(-(1 << 70), 1 << 70)


def nested(depth: int) -> Any:
    """Lists in lists."""
    value: Any = []
    for _ in range(depth):
        value = [value]
    return value


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths to every value in a JSON value, up to a bound for each list."""
    found = [at] if at else []
    items = value.items() if isinstance(value, dict) else enumerate(value[:20]) if isinstance(value, list) else ()
    for key, item in items:
        found += places(item, (*at, key))
    return found


def changed_json(random: Random, value: Any) -> Any:
    """A copy in which one place, which may be any, is changed, taken away, doubled or added."""
    value = json.loads(json.dumps(value))
    known = places(value)
    if not known:
        return odd_value(random)
    path = random.choice(known)
    holder = value
    for key in path[:-1]:
        holder = holder[key]
    _change(random, holder, path[-1])
    return value


def _change(random: Random, holder: Any, key: Any) -> None:
    kind = random.randrange(6)
    if kind == 0:
        del holder[key]
    elif kind == 1 and isinstance(holder, list):
        holder.insert(key, holder[key])
    elif kind == 1:
        holder[random.choice(ODD_TEXTS)] = holder[key]
    elif kind == 2:
        holder[key] = [holder[key]]
    elif kind == 3 and isinstance(holder[key], str) and holder[key]:
        holder[key] = changed_text(random, holder[key])
    elif kind == 3 and type(holder[key]) in (int, float):
        holder[key] += random.choice((-1, 1, 0.5, 1 << 20))
    else:
        holder[key] = odd_value(random)


def changed_text(random: Random, text: str) -> str:
    """A copy with one character changed, doubled, taken away, or an odd text put in."""
    at = random.randrange(len(text))
    put = random.choice(("", text[at] * 2, chr(random.randrange(0x110000)), random.choice(ODD_TEXTS)))
    return text[:at] + put + text[at + 1 :]


def changed_bytes(random: Random, data: bytes) -> bytes:
    """A copy with some bytes changed, cut off, put in, moved or doubled."""
    kind, at = random.randrange(7), random.randrange(len(data) + 1)
    if kind <= 2 and data:
        changed = bytearray(data)
        for _ in range(random.choice((1, 1, 1, 4, 40))):
            changed[random.randrange(len(changed))] ^= random.choice((1, 0x80, 0xFF, random.randrange(1, 256)))
        return bytes(changed)
    if kind == 3:
        return data[:at]
    if kind == 4:
        return data[:at] + random.randbytes(random.choice((1, 7, 64, 5000))) + data[at:]
    if kind == 5:
        return data[:at] + data[random.randrange(len(data) + 1) :]
    return data + random.choice((b"\0", b"\n", data[:at], bytes(4096)))
