"""`python -m model_store copy FROM TO`: which way to copy, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from durable.objects import ObjectsError, StoreSettingsError
from durable.opening import open_objects
from model_store.store import FOLDER
from service.data_dir import DataDir
from service.data_format import DataFormatError
from service.keys.shared import MARK
from service.migration.into_store import IntoStore
from service.migration.out_of_store import OutOfStore
from service.migration.verbatim import Copier
from service.store_format import check_alone, check_format, cluster_of
from service.training.corpora import heads
from service.training.jobs import run_mirror

MODELS: Final = (f"{FOLDER}/",)
SECRETS: Final = (MARK, *(path.name for path in DataDir(Path()).secrets))
ALL: Final = (*MODELS, heads.PREFIX, run_mirror.PREFIX, *SECRETS)


class CopyError(Exception):
    """Nothing can be copied; the message says why."""


def copy(source: str, target: str, say: Callable[[str], object], *, models_only: bool = False) -> list[str]:
    """Copy everything, or the models alone, between a data directory and a store, or two stores, each a path or an
    `s3://` URL. Can be repeated: what is there is not copied again, and never overwritten.

    Returns what was left out, a sentence each. Raises CopyError, OSError.
    """
    try:
        if "://" not in target:
            return _out(source, DataDir(Path(target)), say, models_only)
        objects = open_objects(target)
        if "://" not in source:
            return _into(DataDir(Path(source)), target, say, models_only)
        copier = Copier(open_objects(source), objects, say)
        cluster_of(copier.source)
        check_format(objects)
        return copier.all(MODELS if models_only else ALL)
    except (StoreSettingsError, DataFormatError, ObjectsError) as error:
        raise CopyError(str(error)) from error


def _into(data: DataDir, target: str, say: Callable[[str], object], models_only: bool) -> list[str]:
    if not data.models.is_dir():
        raise CopyError(f"{data.root} is no data directory: it has no folder {data.models.name}")
    check_alone(data.store)
    objects = open_objects(target)
    check_format(objects)
    into = IntoStore(data, objects, say)
    into.models()
    if not models_only:
        into.corpora()
        into.jobs()
        into.keys()
    return into.left


def _out(source: str, data: DataDir, say: Callable[[str], object], models_only: bool) -> list[str]:
    if "://" not in source:
        raise CopyError("one of the two must be a store, s3://bucket/prefix: `charrnn backup` copies a directory")
    objects = open_objects(source)
    out = OutOfStore(objects, data, say)
    out.begin(cluster_of(objects))
    if not models_only:
        out.jobs()  # first: the versions and texts that they speak of are there then
    out.models()
    if not models_only:
        out.corpora()
        out.keys()
    out.end()
    return out.left
