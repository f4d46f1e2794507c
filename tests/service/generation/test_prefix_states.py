"""States by the prefixes of prompts: which are kept, in how much memory, and that nothing in Redis is trusted."""

from __future__ import annotations

import threading
from collections.abc import Sequence as Items

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.config import ModelConfig
from charrnn.engine.base import State
from charrnn.vocabulary import Ids
from service.generation.prefix_states import SPACING, PrefixStates, kept_prefixes, prefix_keys
from tests.service.conftest import MemoryRedis

CONFIG = ModelConfig(50, "lstm", 8)
VERSION = ("digest", "int8")


def state(number: int) -> State:
    """One of which each number makes another."""
    none, flags = np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.bool_)
    return State(np.full(CONFIG.state_shape, number / 1000, dtype=np.float32), 1, number, none, flags)


def prompt(*parts: tuple[int, int]) -> Ids:
    """So many times each id."""
    return np.concatenate([np.full(count, id_, dtype=np.int32) for id_, count in parts])


def number_of(states: PrefixStates, keys: Items[str]) -> tuple[int, int | None]:
    known, found = states.longest(keys, CONFIG)
    return known, None if found is None else found.position


def test_each_prefix_has_a_key_that_all_prompts_with_it_share() -> None:
    long, other = prompt((1, 1000)), prompt((1, 600), (2, 400))
    keys = prefix_keys(VERSION, b"", long)
    assert len(set(keys)) == len(keys) == 1000 // SPACING
    assert prefix_keys(VERSION, b"", long[:700]) == keys[:2]
    assert prefix_keys(VERSION, b"", other)[:2] == keys[:2]
    assert prefix_keys(VERSION, b"", other)[2] != keys[2]
    assert prefix_keys(VERSION, b"", long[: SPACING - 1]) == []


def test_keys_are_of_a_version_in_its_numbers_and_of_where_the_ids_begin() -> None:
    ids = prompt((1, SPACING))
    keys = [prefix_keys(version, b"", ids) for version in (VERSION, ("digest", "float32"), ("other", "int8"))]
    keys += [prefix_keys(VERSION, start, ids) for start in (b"a state", b"another")]
    assert len({key for some in keys for key in some}) == 5


@given(st.integers(1, 5000), st.integers(1, 5000))
def test_of_what_prompts_have_in_common_most_is_known_of_any_length(count: int, common: int) -> None:
    kept = kept_prefixes(0, count)
    assert kept[-1] == count
    assert len(kept) <= 16 + 8 * max(0, count.bit_length() - 4)
    known = max((number for number in kept if number <= common), default=0)
    assert known > min(common, count) * 7 / 8 - 1
    assert set(kept_prefixes(known, count)) == {number for number in kept if number > known}


def test_the_longest_known_prefix_is_found() -> None:
    states, keys = PrefixStates(most_bytes=1 << 20), prefix_keys(VERSION, b"", prompt((1, 9 * SPACING)))
    assert number_of(states, keys) == (0, None)
    states.keep({keys[1]: state(2), keys[4]: state(5)})
    assert number_of(states, keys) == (5, 5)
    assert number_of(states, keys[:4]) == (2, 2)
    assert number_of(states, keys[:1]) == (0, None)


def test_memory_has_a_bound_and_what_is_used_stays() -> None:
    states = PrefixStates(most_bytes=20_000)
    (used,) = prefix_keys(VERSION, b"", prompt((49, SPACING)))
    states.keep({used: state(77)})
    for id_ in range(48):
        keys = prefix_keys(VERSION, b"", prompt((id_, 5 * SPACING)))
        states.keep({key: state(number) for number, key in enumerate(keys, start=1)})
        assert number_of(states, [used]) == (1, 77)
        assert number_of(states, keys) == (5, 5)
        assert states.bytes <= 20_000
    assert number_of(states, prefix_keys(VERSION, b"", prompt((0, 5 * SPACING)))) == (0, None)
    for _ in range(100):
        states.keep({used: state(77)})
    assert states.bytes <= 20_000


def test_without_memory_nothing_is_kept_here() -> None:
    states, keys = PrefixStates(), ["a", "b", "c"]
    states.keep({"b": state(2)})
    assert (number_of(states, keys), states.bytes) == ((0, None), 0)


def test_other_processes_find_a_state_in_redis_and_then_have_it() -> None:
    redis, keys = MemoryRedis(), ["a", "b", "c", "d"]
    PrefixStates(redis, 60).keep({"b": state(2), "c": state(3)})
    assert set(redis.ttls.values()) == {60}
    states = PrefixStates(redis, 60, most_bytes=1 << 20)
    assert number_of(states, keys) == (3, 3)
    calls = redis.calls
    assert number_of(states, keys) == (3, 3)
    assert redis.calls == calls  # for the last one it is not worth a question
    assert number_of(states, [*keys, "e"]) == (3, 3)
    assert redis.calls == calls + 1


def test_a_redis_that_fails_is_a_miss_and_is_then_left_alone() -> None:
    redis, now = MemoryRedis(), [0.0]
    states = PrefixStates(redis, 60, most_bytes=1 << 20, clock=lambda: now[0])
    redis.up = False
    states.keep({"a": state(1)})
    assert number_of(states, ["a", "b", "c"]) == (1, 1)
    assert redis.calls == 1
    redis.up, now[0] = True, 10.0
    states.keep({"b": state(2)})
    assert number_of(PrefixStates(redis, 60), ["a", "b", "c"]) == (2, 2)


@given(st.data())
def test_wrong_bytes_in_redis_are_never_a_state(data: st.DataObject) -> None:
    redis, keys = MemoryRedis(), ["a", "b", "c"]
    PrefixStates(redis, 60).keep({"a": state(1), "b": state(2), "c": state(3)})
    right = redis.values["c"]
    assert isinstance(right, bytes)
    at, bit = data.draw(st.integers(0, len(right) - 1)), data.draw(st.integers(0, 7))
    flipped = right[:at] + bytes([right[at] ^ 1 << bit]) + right[at + 1 :]
    redis.values["c"] = data.draw(st.sampled_from([right[:at], flipped, right + b"0", b"", redis.values["b"]]))
    assert number_of(PrefixStates(redis, 60), keys) == (2, 2)


def test_a_state_of_another_shape_is_not_one(caplog: pytest.LogCaptureFixture) -> None:
    redis = MemoryRedis()
    PrefixStates(redis, 60).keep({"a": state(1)})
    found = PrefixStates(redis, 60).longest(["a", "b"], ModelConfig(50, "lstm", 9))
    assert found == (0, None)
    assert "must have the shape" in caplog.text


def test_threads_and_processes_may_keep_the_same_at_once() -> None:
    redis = MemoryRedis()
    ours, theirs = (PrefixStates(redis, 60, most_bytes=3000) for _ in range(2))
    keys = [str(number) for number in range(20)]
    wrong: list[tuple[int, int | None]] = []

    def work(states: PrefixStates) -> None:
        for _ in range(30):
            states.keep({key: state(number) for number, key in enumerate(keys, start=1)})
            known, found = number_of(states, keys)
            wrong.extend([(known, found)] if known != found or known != len(keys) else [])

    threads = [threading.Thread(target=work, args=(states,)) for states in (ours, theirs) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (wrong, ours.bytes <= 3000) == ([], True)
