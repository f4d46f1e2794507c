"""A test stands where the module that it tests stands."""

from __future__ import annotations

from pathlib import Path

TESTS = Path(__file__).parent
ROOT = TESTS.parent
PACKAGES = {path.parent.name for path in ROOT.glob("*/__init__.py")}
OF_NO_MODULE = {
    *("awkward_corpora", "awkward_texts", "concurrency", "damaged_corpora", "damaged_jobs", "damaged_models"),
    *("damaged_runs", "kills", "records", "words_and_bases"),  # what several modules promise together
    *(
        "access_of_routes",
        "access_rules",
        "every_file",
        "examples",
        "limits_of_time",
        "odd_values",
        "parameters",
    ),  # what holds for every route
    *("continuations", "resumed_streams"),  # texts that go on
    *("fresh_process", "main", "table", "words"),  # __main__; the table of encodings; requests to a model of words
    "sentinel",  # a Redis whose primary changes
    *("patterns", "whole_texts"),  # texts that fit, by every route; patterns and engines
}


def test_tests_mirror_the_code() -> None:
    files = [path.relative_to(TESTS) for path in TESTS.rglob("test_*.py")]
    modules = [path.with_name(path.stem.removeprefix("test_")) for path in files if path.parts[0] in PACKAGES]
    assert len(modules) > 150
    strays = {each for each in modules if not ((ROOT / each).is_dir() or (ROOT / each).with_suffix(".py").exists())}
    assert {each.name for each in strays} <= OF_NO_MODULE, strays
