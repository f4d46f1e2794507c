"""Chooses the text for the search of a trained network's units: held-out text, if there is enough; knows no
networks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from charrnn.interpretation.excerpt import PASSAGES, joined, spans
from charrnn.record import TrainingRecord
from charrnn.training.text import Passages, TextIds, held_out_of
from charrnn.vocabulary import Vocabulary
from service.training.corpora.corpus import Corpus
from service.training.corpora.ids import ids
from service.training.corpora.store import CorpusStore


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Parts of a text, and whether they are known to have been held out of the training."""

    text: str
    is_held_out: bool


NOTHING: Final = Passages(np.zeros(0, dtype=np.uint8))


def excerpt_of(path: Path, held_out: Passages, vocabulary: Vocabulary, most: int, least: int) -> Excerpt:
    """At most `most` characters of a corpus's held-out text, with ids of `vocabulary`; if it has fewer than `least`,
    they are taken from the whole text, the file at `path`."""
    text = _held_out_text(held_out, vocabulary, most)
    return Excerpt(text, True) if len(held_out) and len(text) >= least else Excerpt(_whole_text(path, most), False)


def own_held_out(record: TrainingRecord, vocabulary: Vocabulary, store: CorpusStore, corpus: Corpus) -> Passages:
    """The held-out text of the corpus that a version with this vocabulary was trained on. Raises
    CorpusNotFoundError."""
    try:
        known, token_ids = ids(store, corpus, vocabulary.level, vocabulary)
    except OSError:  # the ids were deleted, and the disk has no space for them
        return NOTHING
    return recorded_held_out(record, token_ids) if known == vocabulary else NOTHING


def recorded_held_out(record: TrainingRecord, token_ids: TextIds) -> Passages:
    """What was held out of the text that a version was trained on, according to its training record; nothing if it does
    not say."""
    count, split = record.held_out_count, record.validation_split
    if count is None or count > len(token_ids) or split is None:
        return NOTHING
    return held_out_of(token_ids, count, split)


def _held_out_text(held_out: Passages, vocabulary: Vocabulary, most: int) -> str:
    """Text from enough of the passages, spread over all of them. A word has at least one character, so that somewhat
    too many tokens are read."""
    passages = held_out.bounds
    if not passages:
        return ""
    enough = max(PASSAGES, -(-most // max(1, len(held_out) // len(passages))))
    chosen = [passages[i * len(passages) // enough] for i in range(enough)] if enough < len(passages) else passages
    each = most // len(chosen)
    pieces = []
    for begin, end in chosen:
        for start, stop in spans(end - begin, each) if len(chosen) == 1 else [(0, min(each, end - begin))]:
            stretch = np.asarray(held_out.ids[begin + start : begin + stop], dtype=np.int32)
            pieces.append(vocabulary.decode(stretch)[: stop - start])
    return joined(pieces)


def _whole_text(path: Path, most: int) -> str:
    with path.open("rb") as file:
        pieces = []
        for start, stop in spans(path.stat().st_size, most):
            file.seek(start)
            # A character that is cut at an end is left out.
            pieces.append(file.read(stop - start).decode(errors="ignore"))
    return joined(pieces)
