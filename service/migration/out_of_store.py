"""Makes a data directory of one machine from a store of objects: its mirror, with everything fetched, and without the
notes that make it one."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from durable import files
from durable.entries import drop
from durable.objects import ObjectDamagedError, ObjectMissingError, Objects
from model_store import etags
from model_store.errors import DamagedVersionError
from model_store.shared import SharedModelStore
from service.data_dir import DataDir
from service.data_format import FORMAT, DataFormatError, begin_restore, end_restore
from service.keys.key_file import MADE
from service.keys.secret_file import put_secret
from service.keys.shared import MARK
from service.training.corpora.mirror import NOTE
from service.training.corpora.shared import SharedCorpusStore
from service.training.errors import CorpusDamagedError, CorpusNotFoundError
from service.training.jobs import resume_points
from service.training.jobs.run_mirror import NOTED, PREFIX, RunMirror
from service.training.jobs.shared import SharedJobStore

UNBOUNDED: Final = 1 << 62
"""In bytes: nothing is left out to keep the directory small."""


class OutOfStore:
    """Fills the directory, in which no service starts until `end`. `left` says what was left out, and why; `say` is
    called with what was fetched. Methods raise OSError."""

    def __init__(self, objects: Objects, data: DataDir, say: Callable[[str], object]) -> None:
        self._objects = objects
        self._data = data
        self._say = say
        self.left: list[str] = []

    def begin(self, cluster: str) -> None:
        """Begin, or go on after an interruption. Raises DataFormatError if there is anything else in the directory."""
        data = self._data
        note = json.dumps({"cluster": cluster}).encode() + b"\n"
        with suppress(FileNotFoundError):
            if files.read(data.store) == note and json.loads(files.read(data.format)).get("restoring"):
                return
        if data.root.exists() and any(data.root.iterdir()):
            raise DataFormatError(f"{data.root} is not empty: copy into a new directory")
        data.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        begin_restore(data.format)
        files.put(data.store, note)
        data.make_folders()

    def models(self) -> None:
        """All versions with their weights, verified."""
        store = SharedModelStore(self._data.models, self._objects, most_bytes=UNBOUNDED)
        store.refresh()
        for name in store.models():
            for version in store.versions(name):
                try:
                    store.verify(name, version)
                    self._say(f"{name}@{version}")
                except DamagedVersionError as error:
                    self.left.append(str(error))

    def corpora(self) -> None:
        """All texts, verified."""
        store = SharedCorpusStore(self._data.corpora, self._objects, max_cached_bytes=UNBOUNDED)
        store.refresh()
        for id in store.ids():
            try:
                store.verified(store.get(id))
                self._say(f"corpus {id}")
            except CorpusDamagedError as error:
                self.left.append(str(error))
            except CorpusNotFoundError:
                continue  # deleted meanwhile

    def jobs(self) -> None:
        """All jobs; those that have not ended with what they go on from."""
        store = SharedJobStore(self._data.runs, self._objects)
        store.refresh(self._objects.list(PREFIX))
        for id in sorted(store.ids()):
            mirror = RunMirror(self._objects, self._data.runs, id)
            noted = mirror.noted()
            for point in noted.head.points if noted else ():
                path = mirror.folder / resume_points.name_of(resume_points.step_of(point.name))
                try:
                    self._objects.fetch(mirror.key(point.name), path)
                except (ObjectMissingError, ObjectDamagedError) as error:
                    self.left.append(str(error))
            self._say(f"job {id}")

    def keys(self) -> None:
        """The API keys, and those that the service has made by itself; the mark that there are any comes first."""
        with suppress(ObjectMissingError):
            self._objects.look(MARK)
            for folder in (self._data.root, self._data.models):
                files.put(folder / MADE, b"")
        for path in self._data.secrets:
            with suppress(ObjectMissingError):
                put_secret(path, self._objects.get(path.name).data)

    def end(self) -> None:
        """The directory is one machine's own from now on."""
        data = self._data
        for folder, name in ((data.models, etags.FILE), (data.corpora, NOTE), (data.runs, NOTED)):
            for path in folder.glob(f"*/{name}"):
                drop(path)
        drop(self._data.store)
        end_restore(self._data.format, FORMAT)
