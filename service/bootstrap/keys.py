"""Builds the keys from the settings: those of one machine in its directory, or those that several share in a store."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from durable.objects import Objects
from service.keys.key_file import KeyFile
from service.keys.made_keys import MadeKeys
from service.keys.opening import key_file, mirror_of
from service.keys.shared import SharedKeyFile, SharedKeys, SharedMadeKeys
from service.settings import MAX_CONTINUATION_KEYS, Settings

log = logging.getLogger(__name__)

NewMade = Callable[[Path, int], MadeKeys]


@dataclass(frozen=True, slots=True)
class Keys:
    """`file`: the keys that were added; `own`: the admin key that was made, None if the settings have one;
    `continuation`: those that sign continuations, the newest first; `shared`: what is to be refreshed, None on one
    machine."""

    file: KeyFile
    own: Callable[[], str] | None
    continuation: Callable[[], tuple[str, ...]]
    shared: SharedKeys | None


def build_keys(settings: Settings, objects: Objects | None = None, changed: Callable[[], None] = lambda: None) -> Keys:
    """`objects` and `changed` as for `key_file`."""
    file = key_file(settings.data, objects, changed)
    if objects is None or not isinstance(file, SharedKeyFile):
        return _built(settings, file, _made)
    mirror = mirror_of(settings.data, objects)
    shared: list[SharedMadeKeys] = []

    def new_made(path: Path, most: int) -> MadeKeys:
        shared.append(SharedMadeKeys(path, mirror, most))
        return shared[-1]

    return _built(settings, file, new_made, lambda: SharedKeys(file, shared, objects))


def _built(
    settings: Settings, file: KeyFile, new_made: NewMade, shared: Callable[[], SharedKeys | None] = lambda: None
) -> Keys:
    """Keys are only made where the settings have none."""
    own, continuation = None, lambda: settings.continuation_keys
    if not settings.admin_api_keys:
        own = _first(new_made(settings.data.admin_key, 1))
    if not settings.continuation_keys:
        continuation = new_made(settings.data.continuation_key, MAX_CONTINUATION_KEYS).recent
    return Keys(file, own, continuation, shared())


def _first(keys: MadeKeys) -> Callable[[], str]:
    return lambda: keys.recent()[0]


def _made(path: Path, most: int) -> MadeKeys:
    """The keys in a file, which is made unless it is there. If the disk cannot be written, everything that needs no key
    still works."""
    keys = MadeKeys(path, most)
    try:
        keys.make()
    except OSError as error:
        log.error("%s cannot be made: %s", path.name, error.strerror)
    return keys
