"""Copies a data directory, which may be in use, into a store of objects: what is there already is left alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from durable import files
from durable.directory_objects import DirectoryObjects
from durable.entries import is_there
from durable.locks import is_held
from durable.objects import ObjectExistsError, ObjectMissingError, Objects, ObjectsError
from model_store import aliases, versions
from model_store.mirror import ModelMirror
from model_store.store import FOLDER
from service.data_dir import DataDir
from service.keys.key_file import MADE
from service.keys.shared import MARK
from service.migration.verbatim import Copier, DifferentObjectError
from service.training.corpora import heads
from service.training.corpora.store import CorpusStore
from service.training.errors import CorpusDamagedError, CorpusNotFoundError
from service.training.jobs import job_files, resume_points, run_files
from service.training.jobs.event_log import EVENTS
from service.training.jobs.run_mirror import MAX_TAIL, RunMirror, reference
from service.training.jobs.shared_head import HEAD, SMALL_FILES, Head, Reference
from service.training.jobs.store import JobStore


class IntoStore:
    """Copies what is in the directory. `left` says what was left out, and why; `say` is called with each key that was
    written. Methods raise OSError."""

    def __init__(self, data: DataDir, objects: Objects, say: Callable[[str], object]) -> None:
        self._data = data
        self._objects = objects
        self._say = say
        self._copier = Copier(DirectoryObjects(data.root), objects, say)
        self.left: list[str] = []

    def models(self) -> None:
        """Each model with all that its aliases point to: these are read first, and written last."""
        for folder in sorted(path for path in self._data.models.glob("[!.]*") if path.is_dir()):
            key = f"{FOLDER}/{folder.name}/{aliases.FILE}"
            histories = _content(folder / aliases.FILE)
            for info in self._copier.source.list(f"{FOLDER}/{folder.name}/"):
                if info.key != key:
                    self._try(partial(self._copier.one, info))
            mirror = ModelMirror(folder, self._objects)
            for number in versions.numbers(folder):
                with suppress(FileNotFoundError):
                    mirror.say_published(number, mirror.version(number).stat().st_mtime)
            if histories is not None:
                self._try(partial(self._copier.head, key, histories))

    def corpora(self) -> None:
        """The texts, verified; what is derived from them is made again."""
        store, there = CorpusStore(self._data.corpora), heads.CorpusHeads(self._objects)
        for id in sorted(store.ids()):
            head = there.read(id)
            if head is not None and (head.is_deleted or not head.fault):
                continue
            try:
                corpus = store.get(id)
                upload = there.put_text(id, store.verified(corpus))
                there.put(head, corpus, store.characters(corpus), upload)
                self._say(heads.head_key(id))
            except (CorpusNotFoundError, CorpusDamagedError, *heads.LOST) as error:
                self.left.append(str(error))

    def jobs(self) -> None:
        """The jobs; those that have not ended only if no service runs on the directory, which would go on with them."""
        store, in_use = JobStore(self._data.runs), is_held(self._data.lock)
        for id in sorted(store.ids()):
            folder = self._data.runs / id
            if in_use and not job_files.read_state(folder).is_final:
                self.left.append(f"job {id} has not ended: copy again when it has, or when the service has stopped")
            else:
                self._try(partial(self._job, folder))

    def keys(self) -> None:
        """The API keys, and those that the service has made by itself. The mark comes first: at no moment does the
        store let in apps for which the directory has keys, or has lost them."""
        if any(is_there(folder / MADE) for folder in (self._data.root, self._data.models)):
            self._try(partial(self._copier.head, MARK, b""))
        for path in self._data.secrets:
            with suppress(FileNotFoundError):
                data = files.read(path, follow=True)
                self._try(partial(self._copier.head, path.name, data))

    def _job(self, folder: Path) -> None:
        mirror = RunMirror(self._objects, self._data.runs, folder.name)
        request = _content(folder / run_files.REQUEST)
        if request is None:
            self.left.append(f"job {folder.name} has no {run_files.REQUEST}")
            return
        self._put(mirror.key(run_files.REQUEST), request)
        with suppress(ObjectMissingError):
            self._objects.look(mirror.key(HEAD))
            return
        head = Head(
            counter=1,
            cancel=(folder / run_files.CANCEL).exists(),
            files={name: value for name in SMALL_FILES if (value := _values(folder / name)) is not None},
            points=tuple(self._points(mirror)),
            **self._log(mirror),
        )
        self._put(mirror.key(HEAD), head.to_bytes())
        self._say(mirror.key(HEAD))

    def _log(self, mirror: RunMirror) -> dict[str, Any]:
        data = _content(mirror.folder / EVENTS) or b""
        data = data[: data.rfind(b"\n") + 1]
        if len(data) < MAX_TAIL:
            return {"tail": data.decode(errors="replace")}
        segment = reference("events-000001", ".jsonl", data)
        self._put(mirror.key(segment.name), data)
        return {"segments": (segment,)}

    def _points(self, mirror: RunMirror) -> list[Reference]:
        found = []
        for step, data in resume_points.stored(mirror.folder):
            point = reference(f"{resume_points.name_of(step)}-0", "", data)
            self._put(mirror.key(point.name), data)
            found.append(point)
        return found

    def _put(self, key: str, data: bytes) -> None:
        try:
            self._objects.put_new(key, data)
        except ObjectExistsError:
            if self._objects.get(key).data != data:
                raise DifferentObjectError(key) from None

    def _try(self, act: Callable[[], None]) -> None:
        try:
            act()
        except ObjectsError as error:
            self.left.append(str(error))


def _content(path: Path) -> bytes | None:
    with suppress(FileNotFoundError):
        return files.read(path)
    return None


def _values(path: Path) -> dict[str, Any] | None:
    """The values in a small file of a run; none if it is missing or damaged."""
    with suppress(OSError, ValueError):
        found = json.loads(files.read(path))
        return found if isinstance(found, dict) else None
    return None
