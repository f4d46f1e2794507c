"""A stream that goes on and is cut off again tells from where only if it came to something new."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from charrnn.sampling import SamplingParams
from service.generation.continuations.continuation import Continuation, CutOffError
from service.generation.pieces import Piece
from service.generation.progress import ChoiceProgress, StreamProgress
from service.generation.resuming import pieces_after

END = Continuation("m", 1, "digest", "int8", b"", SamplingParams())


@pytest.mark.parametrize(
    ("passed", "new", "told"),
    [
        (ChoiceProgress(2, 2), "c", END),
        (ChoiceProgress(3, 3), "", None),
        (ChoiceProgress(5, 5), "", None),
        (ChoiceProgress(ended=True), "", None),
    ],
)
def test_it_tells_from_where_if_it_came_further(passed: ChoiceProgress, new: str, told: Continuation | None) -> None:
    def pieces() -> Iterator[tuple[int, Piece] | None]:
        yield 0, Piece("ab", tokens=range(2))
        yield None
        yield 0, Piece("c", tokens=range(2, 3))
        raise CutOffError("ending", (END, None))

    got: list[str] = []
    progress = StreamProgress(b"", [passed, ChoiceProgress()])
    with pytest.raises(CutOffError) as caught:
        got.extend(news[1].text for news in pieces_after(progress, pieces()) if news is not None)
    assert ("".join(got), caught.value.continuations) == (new, (told, None))
