from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from durable.directory_objects import DirectoryObjects
from durable.objects import StoreUnavailableError
from service.cluster import KEY, QUIET_SECONDS, RENEW_SECONDS, RENEWED, Cluster, OtherClusterError, Redis


class Clock:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


class Values:
    """A Redis in memory."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.values: dict[str, tuple[bytes, float]] = {}
        self.is_away = False

    def get(self, name: str) -> bytes | None:
        self._look()
        return self.values[name][0] if name in self.values else None

    def set(self, name: str, value: str, *, ex: int | None = None, nx: bool = False) -> bool:
        self._look()
        if nx and name in self.values:
            return False
        self.values[name] = (value.encode(), self._clock() + (ex or float("inf")))
        return True

    def delete(self, name: str) -> None:
        self._look()
        self.values.pop(name, None)

    def _look(self) -> None:
        if self.is_away:
            raise RedisConnectionError
        self.values = {name: each for name, each in self.values.items() if each[1] > self._clock()}


class Full(DirectoryObjects):
    """A store that takes no writes while it `is_full`."""

    is_full = False

    def swap(self, key: str, data: bytes, etag: str) -> str:
        if self.is_full:
            raise StoreUnavailableError("the server answers (507)")
        return super().swap(key, data, etag)


class World:
    """A store, and machines whose clocks agree here, though they need not."""

    def __init__(self, folder: Path) -> None:
        self.objects = Full(folder)
        self.clock = Clock()

    def redis(self) -> Values:
        return Values(self.clock)

    def machine(self, redis: Redis, store: str = "store") -> Cluster:
        return Cluster(self.objects, lambda: store, redis, self.clock)

    def pass_time(self, seconds: float, *running: Cluster) -> None:
        for _ in range(int(seconds // RENEW_SECONDS)):
            self.clock.seconds += RENEW_SECONDS
            for each in running:
                each.refresh()

    def counter(self) -> int:
        value: dict[str, Any] = json.loads(self.objects.get(KEY).data)
        return int(value["counter"])


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_a_store_that_takes_no_writes_is_reported_by_every_machine_until_it_does(world: World) -> None:
    redis = world.redis()
    machines = [world.machine(redis) for _ in range(2)]
    for machine in machines:
        machine.refresh()
    world.objects.is_full = True
    world.clock.seconds += RENEW_SECONDS
    for machine in machines * 2:
        with pytest.raises(StoreUnavailableError, match="507"):
            machine.refresh()
    world.objects.is_full, before = False, world.counter()
    for machine in machines:
        machine.refresh()
    assert world.counter() == before + 1


def test_machines_with_one_redis_are_one_cluster_and_one_of_them_renews(world: World) -> None:
    redis = world.redis()
    machines = [world.machine(redis) for _ in range(5)]
    for machine in machines:
        machine.refresh()
    before = world.counter()
    world.pass_time(10 * RENEW_SECONDS, *machines)
    assert world.counter() == before + 10


def test_another_redis_on_the_store_is_refused_as_long_as_the_first_is_used(world: World) -> None:
    first = world.machine(world.redis())
    first.refresh()
    first.refresh()
    second = world.machine(world.redis())
    with pytest.raises(OtherClusterError, match="a cluster with another Redis has used the store: in 90 seconds"):
        second.refresh()
    for _ in range(10):
        world.pass_time(RENEW_SECONDS, first)
        with pytest.raises(OtherClusterError, match="the store is used by a cluster with another Redis"):
            second.refresh()
    first.refresh()


def test_a_store_is_taken_over_when_its_cluster_is_gone(world: World) -> None:
    first = world.machine(world.redis())
    first.refresh()
    second = world.machine(world.redis())
    with pytest.raises(OtherClusterError):
        second.refresh()
    world.clock.seconds += QUIET_SECONDS
    second.refresh()
    second.refresh()
    assert world.counter() == 3


def test_a_cluster_goes_on_when_its_redis_has_lost_its_data(world: World) -> None:
    redis = world.redis()
    machines = [world.machine(redis) for _ in range(3)]
    for machine in machines * 2:
        machine.refresh()
    redis.values.clear()
    world.pass_time(3 * QUIET_SECONDS, *machines)
    with pytest.raises(OtherClusterError):
        world.machine(world.redis()).refresh()


def test_a_cluster_that_is_pushed_out_sees_it(world: World) -> None:
    away = world.redis()
    first, second = world.machine(away), world.machine(world.redis())
    first.refresh()
    first.refresh()
    away.is_away = True
    with pytest.raises(OtherClusterError):
        second.refresh()
    for _ in range(3):
        world.pass_time(RENEW_SECONDS, first)
    second.refresh()
    away.is_away = False
    first.refresh()
    world.pass_time(RENEW_SECONDS, second)
    with pytest.raises(OtherClusterError, match="is used by a cluster with another Redis"):
        first.refresh()


def test_two_stores_with_one_redis_are_refused(world: World, tmp_path: Path) -> None:
    redis = world.redis()
    world.machine(redis).refresh()
    with pytest.raises(OtherClusterError, match="Redis of the cluster of store store, and STORE_URL the store other"):
        Cluster(DirectoryObjects(tmp_path / "other"), lambda: "other", redis, world.clock).refresh()


def test_without_redis_nothing_is_known_and_nothing_written(world: World) -> None:
    redis = world.redis()
    redis.is_away = True
    assert world.machine(redis).refresh() is False
    assert list(world.objects.list("")) == []


@pytest.mark.parametrize("content", [b"", b"[]", b'{"redis": 1}'])
def test_a_damaged_object_is_replaced_in_the_end(world: World, content: bytes) -> None:
    world.objects.put(KEY, content)
    machine = world.machine(redis := world.redis())
    with pytest.raises(OtherClusterError):
        machine.refresh()
    world.clock.seconds += QUIET_SECONDS
    machine.refresh()
    machine.refresh()
    assert world.counter() >= 1 and RENEWED in redis.values
