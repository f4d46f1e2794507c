"""The names of text encodings: all that can be declared, and those that are tried in detection; knows no files."""

from __future__ import annotations

import codecs
from typing import Final

from service.training.errors import UnknownEncodingError

UTF_8: Final = "utf-8"
ESCAPED: Final = ("iso2022_jp", "iso2022_jp_2", "iso2022_jp_ext", "iso2022_kr", "hz", "utf_7")
"""Encodings that use only ASCII bytes."""
WIDE: Final = ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")
ORDERED: Final = ("utf-16", "utf-32")
"""Encodings whose byte order is given by a byte order mark."""

_WINDOWS: Final = ("cp1252", "cp1251", "cp1250", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp1258", "cp874")
_ISO: Final = tuple(f"iso8859_{part}" for part in (1, 15, 2, 5, 7, 9, 3, 4, 6, 8, 10, 11, 13, 14, 16))
_KOI: Final = ("koi8_r", "koi8_u", "koi8_t", "kz1048", "ptcp154")
_DOS: Final = tuple(
    f"cp{page}" for page in (437, 850, 852, 866, 720, 737, 775, 855, 857, 858, 860, 861, 862, 863, 864, 865, 869, 1125)
)
_MAC: Final = tuple(
    f"mac_{name}" for name in ("roman", "cyrillic", "greek", "latin2", "turkish", "iceland", "romanian", "croatian")
)
COMMON: Final = frozenset(
    {
        *_WINDOWS,
        *_ISO[:6],
        "iso8859_6",
        "iso8859_8",
        "iso8859_13",
        "koi8_r",
        "koi8_u",
        "cp437",
        "cp850",
        "cp852",
        "cp866",
    }
    | {"cp737", "cp775", "cp857", "cp862", "mac_roman", "mac_cyrillic"}
)
"""The most common single-byte encodings."""
SINGLE_BYTE: Final = tuple(sorted((*_WINDOWS, *_ISO, *_KOI, *_DOS, *_MAC), key=lambda name: name not in COMMON))
"""Single-byte supersets of ASCII; if several give the same text, the first one is named."""
MULTI_BYTE: Final = (
    ("cp932", "shift_jis"),
    ("euc_jp",),
    ("gb18030",),
    ("big5hkscs", "big5", "cp950"),
    ("cp949",),
    ("johab",),
)
"""Multi-byte supersets of ASCII. Those of a group differ only in a few signs."""

_OWN_NAMES: Final = {
    codecs.lookup(name).name: name
    for name in (*SINGLE_BYTE, *(name for group in MULTI_BYTE for name in group), *ESCAPED)
}


_NOT_OF_FILES: Final = frozenset(
    {"unicode_escape", "raw_unicode_escape", "idna", "punycode", "undefined", "mbcs", "oem"}
)
"""Python's own escapes, the encoding of host names, and encodings that depend on the machine."""


def known(declared: str) -> str:
    """The canonical name of a declared encoding. Raises UnknownEncodingError if it is not an encoding of text."""
    try:
        name = codecs.lookup(declared).name
        "x".encode(declared)  # refuses rot13, base64 and the like
    except (LookupError, ValueError):
        raise UnknownEncodingError(declared) from None
    if name.replace("-", "_") in _NOT_OF_FILES:
        raise UnknownEncodingError(declared)
    return _OWN_NAMES.get(name, name)
