"""The short form of `make fuzz`: some cases of each target, always the same ones."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from tests.fuzz.cases import ROOT, tally, tally_apart
from tests.fuzz.targets import TARGETS

SEED = 1
FEW = {"checkpoints": 400, "uploads": 60, "tokens": 200}
SERVED = {"bodies": 120, "headers": 60}


@pytest.mark.parametrize("name", FEW)
def test_nothing_is_found_in_some_cases(name: str) -> None:
    found = tally(TARGETS[name].target, SEED, name, range(FEW[name]))
    assert not found.findings
    assert len(found.counts) > 1 and found.counts.total() == FEW[name]


@pytest.mark.system
@pytest.mark.parametrize("name", SERVED)
def test_nothing_is_found_in_some_requests(name: str) -> None:
    found = tally(TARGETS[name].target, SEED, name, range(SERVED[name]))
    assert not found.findings
    assert len(found.counts) > 1


def test_no_kernel_reads_beside_its_arrays() -> None:
    found = tally_apart("guards", SEED, 0, 100)
    assert not found.findings
    assert found.counts.total() == 100


@pytest.mark.parametrize(("name", "few"), [("patterns", 24), ("json_schemas", 40)])
def test_nothing_is_found_in_some_patterns(name: str, few: int) -> None:
    found = tally_apart(name, SEED, 0, few)  # in a process of its own, whose memory is bounded
    assert not found.findings
    assert len(found.counts) > 3 and found.counts.total() == few


@pytest.mark.parametrize(("side", "at"), [("before", -1), ("after", 8)])
def test_reading_beside_a_guarded_array_ends_the_process(side: str, at: int) -> None:
    program = f"""
import ctypes, numpy
from tests.fuzz.guarded import Guard
array = Guard({side!r}).zeros((8,), numpy.uint8)
array[:] = 7
address = array.ctypes.data
assert ctypes.string_at(address, 8) == bytes([7] * 8)
ctypes.string_at(address + {at}, 1)
"""
    ended = subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False)
    assert ended.returncode == -signal.SIGSEGV
