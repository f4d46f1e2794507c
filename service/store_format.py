"""Whether this release and this data directory may work on a store of objects: its format, the cluster that it is of,
and whether its writes keep their conditions. The store says so in a small object; the directory, which mirrors the
store, notes the cluster."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError
from typing_extensions import TypedDict

from durable import files
from durable.objects import ObjectChangedError, ObjectExistsError, ObjectMissingError, Objects
from durable.reading import DamagedFileError, read_json
from service.data_format import FORMAT, DataFormatError

KEY: Final = "format.json"
NO_ETAG: Final = f'"{"0" * 32}"'

Upgrade = Callable[[Objects], None]

UPGRADES: Final[Mapping[int, Upgrade]] = {}
"""What makes the next format of a store, by its format: may run on several machines at once, and again after it was
interrupted. There has been one format so far."""


class _Format(TypedDict):
    format: int
    cluster: str


class _Mirror(TypedDict):
    cluster: str


_FORMAT: Final = TypeAdapter(_Format)
_MIRROR: Final = TypeAdapter(_Mirror)


def check_store(
    objects: Objects,
    mirror: Path,
    folders: Iterable[Path],
    *,
    newest: int = FORMAT,
    upgrades: Mapping[int, Upgrade] = UPGRADES,
) -> str:
    """The id of the store's cluster, which a new store is given. An older format is brought to this release's.

    `mirror` is the file in the data directory that notes the cluster, and `folders` are those that the store fills:
    with something in them and without the note, the directory was used by itself. Raises DataFormatError if this
    release or this directory must not work with the store, OSError.
    """
    value, etag = _checked(objects, newest)
    _note(mirror, value["cluster"], folders, objects)
    _bring_up(objects, value, etag, newest, upgrades)
    return value["cluster"]


def check_format(objects: Objects) -> str:
    """The id of the store's cluster, which a new store is given, for a program that has no mirror. Raises as
    `check_store` does, also for an older format."""
    value, _ = _checked(objects, FORMAT)
    _refuse_older(objects, value)
    return value["cluster"]


def cluster_of(objects: Objects) -> str:
    """The id of the store's cluster, for a program that only reads it. Raises DataFormatError if there is no store, or
    one of another format, OSError."""
    try:
        value = _read(objects, objects.get(KEY).data)
    except ObjectMissingError:
        raise DataFormatError(f"there is no service's store at {objects}: it has no {KEY}") from None
    _refuse_newer(objects, value, FORMAT)
    _refuse_older(objects, value)
    return value["cluster"]


def check_alone(mirror: Path) -> None:
    """Raises DataFormatError if the directory, which is to be used without a store, mirrors one: what was written would
    be lost as soon as it does so again."""
    if mirror.exists():
        raise DataFormatError(
            "DATA_DIR mirrors a store, and STORE_URL is empty: set STORE_URL, or copy the store into a new DATA_DIR"
            " with `python -m model_store copy`"
        )


def _checked(objects: Objects, newest: int) -> tuple[_Format, str]:
    value, etag = _read_or_made(objects, newest)
    _refuse_newer(objects, value, newest)
    _check_conditions(objects, _content(value))
    return value, etag


def _read_or_made(objects: Objects, newest: int) -> tuple[_Format, str]:
    new: _Format = {"format": newest, "cluster": secrets.token_hex(8)}
    while True:
        try:
            found = objects.get(KEY)
        except ObjectMissingError:
            with suppress(ObjectExistsError):  # another machine was faster
                return new, objects.put_new(KEY, _content(new))
            continue
        return _read(objects, found.data), found.etag


def _read(objects: Objects, data: bytes) -> _Format:
    try:
        return _FORMAT.validate_json(data, strict=True)
    except ValidationError as error:
        raise DataFormatError(
            f"{KEY} in the store {objects} is not what the service writes: the prefix is used by something else,"
            " or the object is damaged"
        ) from error


def _refuse_newer(objects: Objects, value: _Format, newest: int) -> None:
    if value["format"] > newest:
        raise DataFormatError(
            f"the store {objects} has format {value['format']}, and this release reads formats up to {newest}:"
            " a newer release has used it; start that one"
        )


def _refuse_older(objects: Objects, value: _Format) -> None:
    if value["format"] < FORMAT:
        raise DataFormatError(f"the store {objects} has format {value['format']}: start the service on it first")


def _check_conditions(objects: Objects, content: bytes) -> None:
    """Try writes that must be refused, and would change nothing if they were not. One without the right to write
    fails here too."""
    try:
        objects.put_new(KEY, content)
    except ObjectExistsError:
        pass
    else:
        raise _unconditional(objects, "If-None-Match")
    try:
        objects.swap(KEY, content, NO_ETAG)
    except ObjectChangedError:
        pass
    else:
        raise _unconditional(objects, "If-Match")


def _unconditional(objects: Objects, header: str) -> DataFormatError:
    return DataFormatError(
        f"the server of the store {objects} ignores {header}: machines would overwrite what others have written;"
        " use a server that knows conditional writes"
    )


def _note(mirror: Path, cluster: str, folders: Iterable[Path], objects: Objects) -> None:
    try:
        noted = read_json(mirror, _MIRROR)["cluster"]
    except FileNotFoundError:
        if own := [folder.name for folder in folders if _has_any(folder)]:
            raise DataFormatError(
                f"DATA_DIR has {' and '.join(own)} of its own, which are not in the store {objects}: copy them there"
                " with `python -m model_store copy`, and start with a new DATA_DIR"
            ) from None
        files.put(mirror, json.dumps(_Mirror(cluster=cluster)).encode() + b"\n")
        return
    except DamagedFileError as error:
        raise DataFormatError(f"{error}: start with a new DATA_DIR, which the store fills") from error
    if noted != cluster:
        raise DataFormatError(
            f"DATA_DIR mirrors the store of cluster {noted}, and {objects} is that of cluster {cluster}: set STORE_URL"
            " to the former, or start with a new DATA_DIR"
        )


def _has_any(folder: Path) -> bool:
    return folder.is_dir() and any(not path.name.startswith(".") and path.is_dir() for path in folder.iterdir())


def _bring_up(objects: Objects, value: _Format, etag: str, newest: int, upgrades: Mapping[int, Upgrade]) -> None:
    for number in range(value["format"], newest):
        upgrades[number](objects)
        try:
            etag = objects.swap(KEY, _content({"format": number + 1, "cluster": value["cluster"]}), etag)
        except ObjectChangedError:  # another machine does the same
            etag = objects.get(KEY).etag


def _content(value: _Format) -> bytes:
    return json.dumps(value).encode() + b"\n"
