"""What of a corpus a finished network is looked at on: text that training did not see, if there is enough; knows no
network."""

from __future__ import annotations

from pathlib import Path

from charrnn.interpretation.excerpt import joined, spans


def excerpt_of(path: Path, held_out: int, most: int, least: int) -> tuple[str, bool]:
    """At most `most` characters, spread over the part of a corpus's text that was held out, which is its end, and
    whether they are from there: where that part has fewer than `least`, they are from the whole text.

    `held_out` counts tokens; each has at least one byte, so that many bytes at the text's end are all held out.
    """
    size = path.stat().st_size
    text = _read(path, max(0, size - held_out), size, most)
    return (text, True) if held_out and len(text) >= least else (_read(path, 0, size, most), False)


def _read(path: Path, begin: int, end: int, most: int) -> str:
    with path.open("rb") as file:
        pieces = []
        for start, stop in spans(end - begin, most):
            file.seek(begin + start)
            # A character that an end of the stretch cuts through is left out.
            pieces.append(file.read(stop - start).decode(errors="ignore"))
    return joined(pieces)
