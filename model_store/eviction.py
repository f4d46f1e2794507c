"""Keeps the weights on this machine's disk within a bound: those of the versions that were used longest ago are let go,
but for those that an alias points to."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from typing import NamedTuple

from model_store import versions
from model_store.mirror import ModelMirror


class _Whole(NamedTuple):
    """A version whose weights are here."""

    used: int
    size: int
    mirror: ModelMirror
    number: int


def make_room(
    mirrors: Iterable[ModelMirror],
    most_bytes: int,
    pointed_to: Callable[[str], Collection[int]],
    wanted: tuple[str, int] | None,
) -> None:
    """Let go of weights until those that are left have at most so many bytes, if those have that `wanted` and the
    aliases need. Raises OSError."""
    found = [whole for mirror in mirrors for whole in _whole(mirror)]
    total = sum(each.size for each in found)
    for _, size, mirror, number in sorted(found, key=lambda each: each[:2]):
        if total <= most_bytes:
            return
        name = mirror.folder.name
        if (name, number) != wanted and number not in pointed_to(name):
            mirror.let_go(number)
            total -= size


def _whole(mirror: ModelMirror) -> Iterable[_Whole]:
    for number in versions.numbers(mirror.folder):
        with suppress(FileNotFoundError):
            if mirror.has(number):
                stat = mirror.version(number).lstat()
                yield _Whole(stat.st_atime_ns, stat.st_size, mirror, number)
