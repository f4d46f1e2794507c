"""The key file that the settings name: of this machine alone, or of all that share a store."""

from __future__ import annotations

from collections.abc import Callable

from durable.objects import Objects
from service.data_dir import DataDir
from service.keys.key_file import KeyFile
from service.keys.mirror import KeysMirror
from service.keys.shared import SharedKeyFile


def key_file(data: DataDir, objects: Objects | None = None, changed: Callable[[], None] = lambda: None) -> KeyFile:
    """`objects`: the store that machines share, if they do, of which nothing is asked here; `changed` is called after a
    change that the others are to hear of."""
    return KeyFile(data) if objects is None else SharedKeyFile(data, mirror_of(data, objects), changed)


def mirror_of(data: DataDir, objects: Objects) -> KeysMirror:
    """What the directory has of the keys in the store."""
    return KeysMirror(objects, data.root, data.keys_seen)
