"""Machines in one process, each with a mirror and a way to the store of its own."""

from __future__ import annotations

from pathlib import Path

from durable.directory_objects import DirectoryObjects
from durable.objects import Content, StoreUnavailableError


class Cable(DirectoryObjects):
    """A machine's way to the store, which can be cut; an answer can be lost too."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.is_cut = self.loses_answer = False
        self.gets = 0

    def get(self, key: str) -> Content:
        self._pass()
        self.gets += 1
        return super().get(key)

    def put_new(self, key: str, data: bytes) -> str:
        self._pass()
        return super().put_new(key, data)

    def put_new_file(self, key: str, path: Path) -> str:
        self._pass()
        return super().put_new_file(key, path)

    def swap(self, key: str, data: bytes, etag: str) -> str:
        self._pass()
        new = super().swap(key, data, etag)
        if self.loses_answer:
            self.loses_answer = False
            raise StoreUnavailableError("the answer was lost")
        return new

    def _pass(self) -> None:
        if self.is_cut:
            raise StoreUnavailableError("the store does not answer")
