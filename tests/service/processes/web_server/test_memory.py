from __future__ import annotations

import numpy as np

from service.processes.web_server.memory import give_back, resident_bytes


def test_what_is_resident_grows_with_what_is_held_and_shrinks_when_it_is_given_back() -> None:
    before = resident_bytes()
    held = [np.ones(100_000, dtype=np.int8) for _ in range(1000)]
    kept = np.ones(1000)
    assert resident_bytes() - before > 80_000_000
    held.clear()
    give_back()
    assert resident_bytes() - before < 20_000_000
    assert kept.sum() == 1000
