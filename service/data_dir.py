"""The paths in a service's data directory, all defined here."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from model_store.store import FOLDER as MODELS
from service import data_format


@dataclass(frozen=True, slots=True)
class DataDir:
    """The paths in the directory `root` (DATA_DIR); none of them need exist."""

    root: Path

    def make(self) -> None:
        """Create the directory and its folders, for this user only; those that are there keep their permissions, which
        may let in a group. Raises OSError, and DataFormatError if this release must not work on what is there."""
        self.root.parent.mkdir(parents=True, exist_ok=True)
        self.root.mkdir(mode=0o700, exist_ok=True)
        data_format.check(self.format)
        self.make_folders()

    def make_folders(self) -> None:
        """Create the folders in the directory. Raises OSError."""
        for folder in self.folders:
            with suppress(FileExistsError):  # what has the name of a folder is reported where that is used
                folder.mkdir(mode=0o700, exist_ok=True)

    @property
    def secrets(self) -> tuple[Path, ...]:
        """The files that only the service's user is to read."""
        return self.keys, self.admin_key, self.continuation_key

    @property
    def format(self) -> Path:
        """The number of the format of all this (data_format)."""
        return self.root / "format"

    @property
    def store(self) -> Path:
        """Which store of objects all this mirrors, if it does (store_format)."""
        return self.root / "store.json"

    @property
    def models(self) -> Path:
        """The published versions and their aliases (ModelStore)."""
        return self.root / MODELS

    @property
    def corpora(self) -> Path:
        """The texts to train on (CorpusStore)."""
        return self.root / "corpora"

    @property
    def runs(self) -> Path:
        """The jobs with their runs, and the workers' heartbeats (JobStore, Heartbeat)."""
        return self.root / "runs"

    @property
    def keys(self) -> Path:
        """The digests of created keys (KeyFile)."""
        return self.root / "keys.json"

    @property
    def keys_seen(self) -> Path:
        """Which keys were read from the store that several machines share, and when these last changed (KeysMirror)."""
        return self.root / ".keys-seen.json"

    @property
    def admin_key(self) -> Path:
        """The generated admin key (MadeKeys)."""
        return self.root / "admin-key"

    @property
    def continuation_key(self) -> Path:
        """The generated key that signs continuations, and those before it (MadeKeys)."""
        return self.root / "continuation-key"

    @property
    def packed(self) -> Path:
        """Packed weights, and links to the memory that the web processes share; rebuilt if missing."""
        return self.root / "packed"

    @property
    def kernels(self) -> Path:
        """Compiled kernels, if the user has no cache folder; rebuilt if missing."""
        return self.root / "kernels"

    @property
    def redis(self) -> Path:
        """The data of the embedded Redis server: the queue."""
        return self.root / "redis"

    @property
    def run(self) -> Path:
        """What the processes of a running service share; useless when none runs."""
        return self.root / "run"

    @property
    def lock(self) -> Path:
        """Locked by the running service, whose process id it contains."""
        return self.run / "lock"

    @property
    def refresh_lock(self) -> Path:
        """Locked by the process that keeps the mirror of a shared store up to date (Refresher)."""
        return self.run / "refresh.lock"

    @property
    def mirror(self) -> Path:
        """What that process knows of the store (MirrorReport)."""
        return self.run / "mirror.json"

    @property
    def processes(self) -> Path:
        """What the supervisor knows of the processes (Supervised)."""
        return self.run / "processes.json"

    @property
    def redis_socket(self) -> Path:
        """Where the embedded Redis server listens, unless the path is too long for a socket."""
        return self.run / "redis.sock"

    @property
    def redis_url(self) -> Path:
        """The file with the URL of the embedded Redis server."""
        return self.run / "redis.url"

    @property
    def redis_log(self) -> Path:
        """The log of the embedded Redis server."""
        return self.run / "redis.log"

    @property
    def folders(self) -> tuple[Path, ...]:
        """The folders that the service must be able to write."""
        return self.models, self.corpora, self.runs, self.packed, self.redis, self.run
