"""The candidates of a series, and what ordinary sequences give in their places."""

from __future__ import annotations

from collections.abc import Iterator

from charrnn.engine.base import Engine, Series, SeriesBatch

Results = dict[int, tuple[list[int], bool]]


def all_of(batch: SeriesBatch, steps: Iterator[int]) -> Results:
    """The ids of each candidate without its end, and whether it has one; each candidate comes once."""
    results: Results = {}
    while not batch.done:
        found = batch.step(next(steps))
        assert found.offsets[0] == 0 and found.offsets[-1] == found.ids.size
        for i, candidate in enumerate(found.candidates.tolist()):
            assert candidate not in results
            results[candidate] = found.ids[found.offsets[i] : found.offsets[i + 1]].tolist(), bool(found.ended[i])
    return results


def one_by_one(engine: Engine, series: Series, candidates: range) -> Results:
    """The same from an ordinary batch."""
    batch = engine.batch(len(candidates))
    handles = {batch.add(series.sequence(candidate)): candidate for candidate in candidates}
    return {
        handles[output.handle]: (
            output.ids[: output.ids.size - output.ended].tolist(),
            output.ended or output.completed,
        )
        for output in batch.step(series.length)
    }
