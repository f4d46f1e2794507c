"""The laws notice what breaks them, and the table is put where it belongs."""

from __future__ import annotations

from collections import Counter
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from service.client import ServiceError
from tests.faults import laws
from tests.faults.fault import Fault
from tests.faults.memory import Failure, Ledger, Memory
from tests.faults.probe import Look, Probe
from tests.faults.table import report, written
from tests.faults.trials import Outcome


def fault(**fields: Any) -> Fault[Any]:
    return Fault("a fault", "killed", lambda site, random: nullcontext(), **fields)


def fail(status: int, code: str) -> None:
    raise ServiceError(status, code, "")


@pytest.fixture
def ledger() -> Ledger:
    """`a` and `b` are there, `c` is gone, and of `d` nobody knows."""
    kept = Ledger()
    for name in "abc":
        with kept.creating(name):
            pass
    with kept.deleting("c"):
        pass
    with pytest.raises(ServiceError), kept.creating("d"):
        fail(0, "connection_lost")
    return kept


@pytest.mark.parametrize(
    ("listed", "broken"),
    [
        ("ab", []),
        ("bad", []),
        ("a", ["thing b was acknowledged and is lost"]),
        ("abb", ["thing b is there 2 times"]),
        ("abc", ["thing c was deleted and is back"]),
        ("abdd", ["thing d is there 2 times"]),
        ("abe", ["thing e is there and nobody sent it"]),
    ],
)
def test_a_ledger_knows_what_must_be_there(ledger: Ledger, listed: str, broken: list[str]) -> None:
    assert list(ledger.faults("thing", list(listed))) == broken


def test_a_refusal_changes_nothing(ledger: Ledger) -> None:
    with pytest.raises(ServiceError), ledger.deleting("a"):
        fail(409, "in_use")
    assert ledger.those("there") == ["a", "b"]
    with pytest.raises(ServiceError), ledger.deleting("a"):
        fail(503, "disk_full")
    assert set(ledger.those("either")) == {"a", "d"}


def test_a_memory_counts_what_was_done_and_what_failed() -> None:
    memory = Memory()
    with memory.asking("upload"):
        pass
    with memory.asking("upload"):
        fail(500, "internal_error")
    assert memory.done == {"upload": 1}
    assert [(each.kind, each.status) for each in memory.failures] == [("upload", 500)]


@pytest.mark.parametrize(
    ("fields", "kind", "status", "code", "moment", "allowed"),
    [
        ({}, "generate", 500, "internal_error", 1, False),
        ({}, "generate", 0, "connection_lost", 1, False),
        ({"breaks": True}, "generate", 0, "connection_lost", 1, True),
        ({"breaks": True}, "generate", 0, "connection_lost", 9, False),
        ({"breaks": True}, "generate", 500, "internal_error", 1, False),
        ({}, "generate", 429, "busy", 1, True),
        ({}, "upload", 503, "disk_full", 1, False),
        ({"refuses": frozenset({"upload"})}, "upload", 503, "disk_full", 1, True),
        ({"refuses": frozenset({"upload"})}, "generate", 503, "disk_full", 1, False),
        ({"breaks": True, "refuses": frozenset({"upload"})}, "upload", 404, "not_found", 1, False),
    ],
)
def test_which_failures_are_of_the_contract(
    fields: dict[str, Any], kind: str, status: int, code: str, moment: float, allowed: bool
) -> None:
    failures = [Failure(kind, moment, moment + 0.5, status, code, "why")] * 2
    broken = list(laws.failures_are_of_the_contract(fault(**fields), failures, 0, 2))
    assert len(broken) == (0 if allowed else 1), "those alike are one sentence"


def test_what_readyz_must_and_must_not_say() -> None:
    assert list(laws.it_says_what_is_degraded(fault(), [], 0.1, [])) == []
    assert list(laws.it_says_what_is_degraded(fault(degraded="cache"), ["cache: gone"], 0.1, [])) == []
    for said in (["queue: gone"], []):
        assert len(list(laws.it_says_what_is_degraded(fault(degraded="cache"), said, 0.1, []))) == 1
    assert list(laws.it_says_what_is_degraded(fault(), [], None, ["queue: gone"])) == [
        "/readyz still says ['queue: gone']"
    ]
    for odd in ("model fox: damaged", "disk: /data/models is full", "worker: process 7 is gone", "no subject"):
        assert len(list(laws.it_says_what_is_degraded(fault(), [odd], 0.1, []))) == 1


def test_generating_again_must_not_take_long() -> None:
    assert list(laws.it_generates_again(3.0, 5.0)) == []
    assert len(list(laws.it_generates_again(5.1, 5.0))) == 1
    assert len(list(laws.it_generates_again(None, 5.0))) == 1


def test_when_a_probe_calls_it_generating_again() -> None:
    probe = Probe(1)
    probe.end()
    statuses = [200, 200, 0, 200, 0, 200, 200, 200, 200]
    probe.texts[:] = [Look(at, at + 0.5, status, {}) for at, status in enumerate(statuses)]
    assert probe.generating_since(2) is None, "four are not steady"
    probe.texts.append(Look(9, 9.5, 200, {}))
    assert probe.generating_since(2) == 5.5
    assert probe.longest_gap(0, 9.5) == 2.0


def test_a_table_replaces_the_one_before(tmp_path: Path) -> None:
    document = tmp_path / "page.md"
    document.write_text("before\n<!-- some: written -->\nold\n<!-- end of some -->\nafter\n")
    worst = [
        Outcome(
            fault(), 1.0, again, 2.0, [f"disk: full since 2026-01-0{again:.0f}T00:00:00.000Z"], Counter({"503 full": 2})
        )
        for again in (0.5, 3.25)
    ]
    written(document, "some", report("Some", worst, Counter(upload=3), "seed"))
    text = document.read_text()
    assert "| a fault | 2 | 1.0 s | 3.2 s | disk: full since … | 2.0 s | 4 503 full |" in text
    assert "old" not in text and "seed seed" in text and "3 upload" in text
    assert text.startswith("before\n<!-- some: written -->\n") and text.endswith("<!-- end of some -->\nafter\n")
    with pytest.raises(ValueError, match="no block other"):
        written(document, "other", "")
