"""Clients that upload corpora, train networks, publish versions, promote and delete."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any, Final

import numpy as np

from charrnn.checkpoint import Checkpoint
from charrnn.config import ModelConfig
from charrnn.vocabulary import Vocabulary
from service.client import Client
from tests.faults.memory import Memory
from tests.faults.site import Site
from tests.texts import FOX

NETWORK: Final = {"hidden_size": 8, "batch_size": 2, "segment_length": 8, "seed": 1}
UNFINISHED: Final = 3
"""How many jobs wait or run at a time."""
TRAINED: Final = "trained-"
IMPORTED: Final = "imported"
KEPT_VERSIONS: Final = 5
ALIASES: Final = ("current", "stable")


def upload_fox(client: Client, folder: Path) -> str:
    """The corpus that all networks are trained on; its id."""
    path = folder / "fox.txt"
    path.write_text(FOX)
    return str(client.upload(path)["id"])


def train(client: Client, corpus: str, model: str, steps: int) -> str:
    """Start a training; the id of its job."""
    reply = client.train(corpus, model, **NETWORK, budget={"steps": steps}, promote="always")
    return str(reply["id"])


class Corpora:
    """Uploads texts that differ, and deletes some."""

    def __init__(self, site: Site, memory: Memory, folder: Path, random: Random) -> None:
        self._client, self._memory, self._random = site.client(), memory, random
        self._path = folder / "corpus.txt"

    def act(self) -> None:
        """Upload one, or delete one."""
        there = self._memory.corpora.those("there")
        if len(there) > 5 and self._random.random() < 0.3:
            self._delete(self._random.choice(there))
        else:
            self._upload()

    def _upload(self) -> None:
        words = self._random.choices(FOX.split(), k=self._random.randrange(30, 2000))
        text = f"{self._random.random()} {' '.join(words)}\n".encode()
        self._path.write_bytes(text)
        digest = hashlib.sha256(text).hexdigest()
        corpus = digest[:16]
        with self._memory.asking("upload"), self._memory.corpora.creating(corpus):
            reply = self._client.upload(self._path)
            if (reply["id"], reply["sha256"], reply["bytes"]) != (corpus, digest, len(text)):
                self._memory.wrong.append(f"corpus {corpus} was acknowledged as {reply}")

    def _delete(self, corpus: str) -> None:
        with self._memory.asking("delete"), self._memory.corpora.deleting(corpus):
            self._client.delete_corpus(corpus)


class Jobs:
    """Trains networks on one corpus, each as a model of its own, so that a doubled job shows."""

    def __init__(self, site: Site, memory: Memory, corpus: str, steps: Sequence[int], random: Random) -> None:
        self._client, self._memory, self._random = site.client(), memory, random
        self._corpus, self._steps, self._number = corpus, steps, 0
        self._unfinished: dict[str, str] = {}

    def act(self) -> None:
        """Start one, or look how those are that were started."""
        if len(self._unfinished) < UNFINISHED:
            self._start()
            return
        for model, job in list(self._unfinished.items()):
            with self._memory.asking("job"):
                if self._client.job(job)["finished"]:
                    del self._unfinished[model]

    def _start(self) -> None:
        self._number += 1
        steps = self._random.choice(self._steps)
        model = f"{TRAINED}{steps}-{self._number}"
        with self._memory.asking("train"), self._memory.jobs.creating(model):
            job = train(self._client, self._corpus, model, steps)
            self._memory.jobs.learn(model, job)
            self._unfinished[model] = job


class Versions:
    """Publishes networks that differ as versions of one model, points aliases to them, and deletes some."""

    def __init__(self, site: Site, memory: Memory, folder: Path, random: Random) -> None:
        self._client, self._memory, self._random = site.client(), memory, random
        self._path = folder / "network.safetensors"
        self._numbers: dict[str, int] = {}

    def act(self) -> None:
        """Do one of the three."""
        if len(self._numbers) < 2:
            self._publish()
        elif len(self._numbers) > KEPT_VERSIONS:
            self._delete()
        else:
            self._random.choice((self._publish, self._promote, self._promote))()

    def _publish(self) -> None:
        made = network(self._random.getrandbits(32))
        self._path.write_bytes(made.to_bytes())
        with self._memory.asking("publish"), self._memory.versions.creating(made.digest):
            reply = self._client.publish(IMPORTED, self._path, promote="never")
            if reply["digest"] != made.digest:
                self._memory.wrong.append(f"version {made.digest} was acknowledged as {reply['digest']}")
            self._numbers[made.digest] = reply["version"]
            self._memory.versions.learn(made.digest, reply["version"])

    def _promote(self) -> None:
        alias, version = self._random.choice(ALIASES), self._random.choice(list(self._numbers.values()))
        before = self._memory.aliases.get(alias, {None})
        self._memory.aliases[alias] = before | {version}
        with self._memory.asking("promote"):
            self._client.promote(IMPORTED, version, alias)
            self._memory.aliases[alias] = {version}

    def _delete(self) -> None:
        """The oldest that no alias may point to."""
        pointed = set().union(*self._memory.aliases.values())
        free = [digest for digest, version in self._numbers.items() if version not in pointed]
        if not free:
            return
        version = self._numbers.pop(free[0])
        with self._memory.asking("delete"), self._memory.versions.deleting(free[0]):
            self._client.delete_version(IMPORTED, version)


def network(seed: int) -> Checkpoint:
    """A network that was never trained: another one for each seed."""
    vocabulary, random = Vocabulary("\nabc"), np.random.default_rng(seed)
    config = ModelConfig(len(vocabulary), "gru", hidden_size=8)
    weights: dict[str, Any] = {
        name: random.normal(0, 0.5, shape).astype(np.float32) for name, shape in config.shapes().items()
    }
    return Checkpoint(config, vocabulary, weights)
