"""The rules for names of models, aliases and selectors; knows nothing of what is stored under them."""

from __future__ import annotations

import re
from typing import Final

from model_store.errors import InvalidNameError

CURRENT: Final = "current"
"""The alias that a model's plain name stands for."""

NAME_PATTERN: Final = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
REFERENCE_PATTERN: Final = f"{NAME_PATTERN}(@{NAME_PATTERN})?"
_NAME: Final = re.compile(NAME_PATTERN)
_RULE: Final = "must be 1 to 64 letters, digits, '.', '_' or '-', the first a letter or a digit"


def is_name(name: str) -> bool:
    """Whether a model may have this name."""
    return _NAME.fullmatch(name) is not None


def check_name(name: str) -> str:
    """Return the model's name if it is valid. Raises InvalidNameError."""
    if not is_name(name):
        raise InvalidNameError(f"a model's name {_RULE}, not {_shown(name)}")
    return name


def check_alias(alias: str) -> str:
    """Return the alias if it is valid: like a model's name, but not digits alone, which mean a version. Raises
    InvalidNameError."""
    if not is_name(alias):
        raise InvalidNameError(f"an alias {_RULE}, not {_shown(alias)}")
    if is_number(alias):
        raise InvalidNameError(f"an alias must not be a number, which names a version, not {_shown(alias)}")
    return alias


def is_number(selector: str) -> bool:
    """Whether a selector is a version's number."""
    return selector.isascii() and selector.isdigit()


def parse_reference(reference: str) -> tuple[str, str | None]:
    """`name`, `name@3` or `name@alias` as (name, selector or None). Raises InvalidNameError."""
    name, separator, selector = reference.partition("@")
    check_name(name)
    if not separator:
        return name, None
    if not is_name(selector):
        raise InvalidNameError(f"what follows '@' {_RULE}, not {_shown(selector)}")
    return name, selector


def _shown(name: str) -> str:
    return repr(name) if len(name) <= 70 else f"{name[:60]!r}… ({len(name)} characters)"
