"""The model that ships comes with what its cells follow, and they do so along a text that was never seen before."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydantic import TypeAdapter

from charrnn.config import PARTS
from charrnn.engine.base import Sequence
from charrnn.engine.cpu.native import NativeEngine
from charrnn.engine.tracing import trace
from charrnn.interpretation.annotators import ANNOTATORS, BY_SLUG
from charrnn.interpretation.strength import Units, strengths
from charrnn.sampling import SamplingParams
from charrnn.vocabulary import Ids
from model_store.store import ModelStore
from service.api.schemas.replies.cells import CellsReply
from service.bootstrap.starter import STARTER_MODEL, put_starter
from service.training.units import KIND


def test_the_starter_is_installed_with_what_its_cells_follow(tmp_path: Path) -> None:
    store = ModelStore(tmp_path)
    put_starter(store)
    kept = store.kept(STARTER_MODEL, 1, KIND)
    assert kept is not None
    reply = TypeAdapter(CellsReply).validate_python({"model": STARTER_MODEL, "version": 1, **kept}, strict=True)
    assert reply["measured_on"]["held_out"]
    told = [cell["slug"] for cell in reply["cells"]] + [each["slug"] for each in reply["not_found"]]
    assert sorted(told) == sorted(annotator.slug for annotator in ANNOTATORS)
    assert {cell["slug"] for cell in reply["cells"]} >= {"speaker", "line-position", "upper-case"}

    checkpoint = store.load(STARTER_MODEL, 1)
    engine = NativeEngine(checkpoint)
    ids = written(engine, checkpoint.vocabulary.encode("\n"))
    text, states = checkpoint.vocabulary.decode(ids), trace(engine, ids).states
    for cell in reply["cells"]:
        labels = BY_SLUG[cell["slug"]].label(text)
        assert labels is not None
        unit = Units.of(states[:, cell["layer"], PARTS.index(cell["part"]), cell["unit"], None])
        strength = cell["sign"] * float(strengths([labels], unit)[0, 0])
        score = (1 + strength) / 2 if cell["measure"] == "auc" else strength
        assert abs(score - cell["score"]) < 0.1, cell


def written(engine: NativeEngine, start: Ids) -> Ids:
    """What the model writes of itself."""
    batch = engine.batch(1)
    batch.add(Sequence(start, 4000, SamplingParams(temperature=0.7, seed=3)))
    return np.concatenate([output.ids for output in batch.step(4000)])
