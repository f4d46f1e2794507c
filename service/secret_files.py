"""Settings that are secrets, read from files: NAME_FILE in place of NAME, as Docker and Kubernetes hand them out."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

from durable import files

SUFFIX: Final = "_FILE"


def from_files(names: Collection[str], given: Collection[str], environment: Mapping[str, str]) -> dict[str, str]:
    """The values of those fields in `names` whose file the environment names; `given` are the fields that have a value
    already.

    Raises ValueError, naming the variable but nothing of the content, for a field that is given twice and for a file
    that cannot be read or is empty.
    """
    found = {}
    for name in names:
        variable = name.upper()
        if path := environment.get(f"{variable}{SUFFIX}"):
            if name in given:
                raise ValueError(f"{variable} and {variable}{SUFFIX} are both set: set one of them")
            found[name] = _content(f"{variable}{SUFFIX}", Path(path))
    return found


def _content(variable: str, path: Path) -> str:
    """What is in the file, without the spaces and line ends around it; several lines are separated by commas then."""
    try:
        content = files.read(path).decode("utf-8-sig").strip(" \t\r\n").replace("\n", ",")
    except OSError as error:
        raise ValueError(f"{variable}={path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError:
        raise ValueError(f"{variable}={path} is not text in UTF-8") from None  # the error has the content
    if not content:
        raise ValueError(f"{variable}={path} is empty")
    return content
