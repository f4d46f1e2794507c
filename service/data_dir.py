"""The directory in which a service keeps everything: the one place that says what is where in it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from model_store.store import FOLDER as MODELS


@dataclass(frozen=True, slots=True)
class DataDir:
    """The paths in the directory `root` (DATA_DIR); none of them need be there."""

    root: Path

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
        """The jobs, with all that is known of them, and the workers' heartbeats (JobStore, Heartbeat)."""
        return self.root / "runs"

    @property
    def keys(self) -> Path:
        """The digests of the keys that were made for others (KeyFile)."""
        return self.root / "keys.json"

    @property
    def admin_key(self) -> Path:
        """The key that the service made for its admin (AdminKey)."""
        return self.root / "admin-key"

    @property
    def packed(self) -> Path:
        """Packed weights, which the web processes map; made anew when they are missing."""
        return self.root / "packed"

    @property
    def kernels(self) -> Path:
        """Compiled kernels, where the user has no cache folder; made anew when they are missing."""
        return self.root / "kernels"

    @property
    def redis(self) -> Path:
        """What the embedded Redis server keeps: the queue."""
        return self.root / "redis"

    @property
    def run(self) -> Path:
        """What the processes of a running service need of each other; of no use when none runs."""
        return self.root / "run"

    @property
    def lock(self) -> Path:
        """Locked by the running service, whose process id it contains."""
        return self.run / "lock"

    @property
    def redis_socket(self) -> Path:
        """Where the embedded Redis server listens, unless the path is too long for a socket."""
        return self.run / "redis.sock"

    @property
    def redis_url(self) -> Path:
        """The address at which it does."""
        return self.run / "redis.url"

    @property
    def redis_log(self) -> Path:
        """What it logs."""
        return self.run / "redis.log"

    @property
    def folders(self) -> tuple[Path, ...]:
        """The folders that the service must be able to write."""
        return self.models, self.corpora, self.runs, self.packed, self.redis, self.run
