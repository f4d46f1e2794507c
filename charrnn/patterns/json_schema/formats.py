"""The formats of strings, as regular expressions that take no text that is not of the format."""

from __future__ import annotations

from typing import Final

_YEAR: Final = r"(?:[1-9]\d\d\d|0[1-9]\d\d|00[1-9]\d|000[1-9])"

_LEAP_YEAR: Final = (
    r"(?:(?:\d\d)(?:0[48]|[2468][048]|[13579][26])|(?:[2468][048]|0[48]|[13579][26])00)"  # 0000 is no year
)

_DATE: Final = (
    rf"(?:{_YEAR}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\d|30)"
    rf"|02-(?:0[1-9]|1\d|2[0-8]))|{_LEAP_YEAR}-02-29)"
)

_TIME: Final = (
    r"(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?"  # no leap seconds, which few calendars know
    r"(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)"
)

_OCTET: Final = r"(?:\d|[1-9]\d|1\d\d|2[0-4]\d|25[0-5])"

_ATOM: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]"

"""Of the local part, which has up to 32 of these, so that with dots between it has at most 64 characters (RFC 5321)."""

_LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,35}[A-Za-z0-9])?"
"""Up to 37 characters, so that an address of 5 labels has at most 254."""

_ASCII_DIGIT: Final = "[0-9]"

FORMATS: Final = {
    name: source.replace(r"\d", _ASCII_DIGIT)
    for name, source in {
        "date": _DATE,  # RFC 3339, of the years 1 to 9999
        "time": _TIME,
        "date-time": f"{_DATE}T{_TIME}",
        "uuid": "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
        "email": rf"{_ATOM}(?:\.?{_ATOM}){{0,31}}@{_LABEL}(?:\.{_LABEL}){{1,4}}",
        "ipv4": rf"{_OCTET}(?:\.{_OCTET}){{3}}",
    }.items()
}
"""The regular expression of each format; what it takes, every validator should."""
