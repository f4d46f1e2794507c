"""Files that are damaged, and processes that are killed in the moment in which they publish one."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, Final

from service.client import ServiceError
from service.data_dir import DataDir
from tests.damage import overwrite
from tests.faults.fault import Fault
from tests.faults.site import Site
from tests.faults.training import IMPORTED, TRAINED, network
from tests.waiting import until

DAMAGED_SECONDS: Final = 8.0
MOMENT: Final = 0.02
"""In seconds: a process is killed at most so long after a file appears that it publishes."""
AWAITED_SECONDS: Final = 240.0
"""For a publication or a resume point, on a busy machine."""
FLIPPED: Final = "flipped"
ASKED: Final[dict[str, Any]] = {"prompt": "a", "length": 200, "seed": 1, "cache": False}


@contextmanager
def _flipped(site: Site, random: Random) -> Iterator[list[str]]:
    """One byte of the current version's weights is another, and the web processes load them anew."""
    client, path = site.client(), site.data_dir / "network"
    texts = {}
    for _ in range(2):
        path.write_bytes(network(random.getrandbits(32)).to_bytes())
        version = client.publish(FLIPPED, path, promote="always")["version"]
        texts[version] = client.generate(**ASKED, model=FLIPPED).text
    file = DataDir(site.data_dir).models / FLIPPED / f"{version}.safetensors"
    whole = file.read_bytes()
    at = len(whole) - 1 - random.randrange(1000)
    overwrite(file, whole[:at] + bytes([whole[at] ^ 1 << random.randrange(8)]) + whole[at + 1 :])
    found: list[str] = []
    for pid in site.pids("web"):
        os.kill(pid, signal.SIGKILL)
    yield found
    for reference in (FLIPPED, f"{FLIPPED}@{version}"):
        try:
            reply = client.generate(**ASKED, model=reference)
        except ServiceError as error:
            if (error.status, error.code) != (503, "model_unavailable"):
                found.append(f"{reference} was refused with {error.status} {error.code}: {error}")
        else:
            if texts[reply.version] != reply.text:
                found.append(f"{reference} gave a text that version {reply.version} does not give")
    overwrite(file, whole)
    file.chmod(0o444)


@contextmanager
def _cut(site: Site, random: Random) -> Iterator[None]:
    """The newest resume point of a job, or each, is cut short, and its worker killed."""
    runs = DataDir(site.data_dir).runs
    points: list[Path] = []

    def stopped_with_one() -> bool:
        pid = site.pid("worker")
        os.kill(pid, signal.SIGSTOP)
        points.extend(sorted(runs.glob("*/resume-*")))
        if not points:
            os.kill(pid, signal.SIGCONT)
        return points != []

    until(stopped_with_one, AWAITED_SECONDS)
    for path in points if random.random() < 0.5 else points[-1:]:
        os.truncate(path, random.randrange(path.stat().st_size))
    os.kill(site.pid("worker"), signal.SIGKILL)
    yield


@contextmanager
def _killed_at(kind: str, names: Callable[[DataDir], set[str]], site: Site, random: Random) -> Iterator[None]:
    """All processes of a kind, soon after a name appears that was not there before."""
    data, pids = DataDir(site.data_dir), site.pids(kind)
    before = names(data)
    until(lambda: names(data) - before, AWAITED_SECONDS)
    time.sleep(random.uniform(0, MOMENT))
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    yield


def _trained(data: DataDir) -> set[str]:
    return {path.name for path in data.models.iterdir() if path.name.startswith(TRAINED)}


def _imported(data: DataDir) -> set[str]:
    return {path.name for path in (data.models / IMPORTED).glob("*")}


def _uploaded(data: DataDir) -> set[str]:
    return {path.name for path in data.corpora.iterdir()}


def of_files() -> list[Fault[Site]]:
    """Damage, and deaths at a publication."""
    deaths: dict[str, tuple[str, Callable[[DataDir], set[str]]]] = {
        "SIGKILL to the worker as it publishes": ("worker", _trained),
        "SIGKILL to all web processes as one publishes": ("web", _imported),
        "SIGKILL to all web processes as one stores a corpus": ("web", _uploaded),
    }
    return [
        Fault("a bit of a version flipped", "files", _flipped, DAMAGED_SECONDS, breaks=True, degraded=FLIPPED),
        Fault("a resume point cut short", "files", _cut),
        *(
            Fault(name, "publication", partial(_killed_at, kind, names), breaks=kind == "web")
            for name, (kind, names) in deaths.items()
        ),
    ]
