"""A service under load is put through one fault after the other: nothing is lost, and it soon generates again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.faults.faults import SETTINGS, Setting, short
from tests.faults.load import seeded
from tests.faults.table import report, written
from tests.faults.trials import Trials, complaints, trials

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="processes are found by Linux's /proc"),
]


def test_some_of_each(tmp_path: Path) -> None:
    _put_through(short(), tmp_path, os.environ.get("FAULTS_SEED", "short"))


@pytest.mark.faults
@pytest.mark.parametrize("name", SETTINGS)
def test_all_faults(name: str, tmp_path: Path, seed: str) -> None:
    setting = SETTINGS[name]
    begun = _put_through(setting, tmp_path, seed)
    text = report(setting.title, begun.outcomes, begun.memory.done, seed)
    print(text)
    if document := os.environ.get("RELIABILITY"):
        written(Path(document), name, text)


def _put_through(setting: Setting, folder: Path, seed: str) -> Trials:
    """Each fault of the setting, as often and in the order that chance chooses."""
    if not setting.possible():
        pytest.skip(f"{setting.title}: not possible here")
    print(f"FAULTS_SEED={seed}")
    faults = setting.faults * setting.times
    seeded(seed, setting.title).shuffle(faults)
    with trials(setting.site(folder), seed, folder, setting.steps, setting.pause, setting.within) as begun:
        for fault in faults:
            outcome = begun.run(fault)
            print(f"{fault.name}: again after {outcome.again:.1f} s, {dict(outcome.failures)}, {outcome.said}")
            print(*(f"  BROKEN: {each}" for each in outcome.broken), sep="\n")
        broken = [*complaints(begun.outcomes), *begun.finish()]
    assert not broken, f"FAULTS_SEED={seed}: " + "\n".join(broken)
    return begun
