"""What the processes of several machines do at the same moment to a model that they share."""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any, Final

from durable.s3_objects import S3Objects
from model_store.shared import SharedModelStore
from tests.faults.training import network
from tests.object_server import BUCKET

NAME: Final = "bard"
PATIENCE_SECONDS: Final = 60.0


@dataclass(frozen=True)
class Place:
    """A machine's folder, and the store that it mirrors."""

    folder: Path
    prefix: str
    settings: Mapping[str, Any]

    def store(self) -> SharedModelStore:
        objects = S3Objects(BUCKET, self.prefix, dict(self.settings))  # type: ignore[arg-type]
        return SharedModelStore(self.folder / "models", objects)


def publish(place: Place, writer: int, times: int, start: Barrier, said: Path) -> None:
    """Publish another network each time, at the same moment as the others; write down under which numbers."""
    store, given = place.store(), dict[int, str]()
    for turn in range(times):
        made = network(writer * times + turn)
        start.wait(PATIENCE_SECONDS)
        given[store.publish(NAME, made)] = made.digest
    said.write_text(json.dumps(given))


def point(place: Place, writer: int, times: int, start: Barrier, said: Path) -> None:
    """Point `current` to one of two versions, at the same moment as the others; write down which changes were made."""
    store, made = place.store(), list[str]()
    for turn in range(times):
        version, held = 1 + (writer + turn) % 2, list[int | None]()

        def note(now: int | None, held: list[int | None] = held) -> bool:
            held.append(now)
            return True

        start.wait(PATIENCE_SECONDS)
        store.set_alias_if(NAME, "current", version, note, f"{writer}.{turn}")
        if held[-1] != version:
            made.append(f"{writer}.{turn}")
    said.write_text(json.dumps(made))


Act = Callable[[Place, int, int, Barrier, Path], None]


def at_once(act: Act, places: list[Place], writers: int, times: int) -> list[Any]:
    """What each of so many processes has written down; they are shared out to the machines."""
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(writers)
    notes = [places[writer % len(places)].folder / f"said-{act.__name__}-{writer}" for writer in range(writers)]
    processes = [
        context.Process(target=act, args=(places[writer % len(places)], writer, times, start, notes[writer]))
        for writer in range(writers)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * writers
    return [json.loads(note.read_text()) for note in notes]
