"""The model that ships: whole, as good as promised, English of a kind, and what its units follow holds on new text."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from pydantic import TypeAdapter

from charrnn.checkpoint import load
from charrnn.config import PARTS
from charrnn.engine.base import Sequence
from charrnn.engine.cpu.batch import CpuEngine
from charrnn.engine.gpu.reference import ReferenceEngine
from charrnn.engine.tracing import trace
from charrnn.interpretation.annotators import ANNOTATORS, BY_SLUG
from charrnn.interpretation.strength import Units, strengths
from charrnn.sampling import SamplingParams
from charrnn.vocabulary import Ids
from model_store.held_out import held_out_scores
from model_store.store import ModelStore
from service.api.schemas.replies.cells import CellsReply
from service.bootstrap.starter import STARTER_MODEL, STARTER_PATH, put_starter
from service.training.units import KIND


def test_it_is_sound_small_and_as_good_as_promised() -> None:
    checkpoint = load(STARTER_PATH)
    assert STARTER_PATH.stat().st_size < 3_000_000
    assert (checkpoint.config.cell, checkpoint.config.hidden_size, checkpoint.config.layers) == ("lstm", 256, 1)
    assert checkpoint.record.json["corpus"]["name"] == "tinyshakespeare.txt"
    assert checkpoint.record.json["characters"] == {"training": 1_003_854, "validation": 111_540}
    assert checkpoint.record.json["validation_loss"] <= 1.44
    assert checkpoint.record.prompt == "First Citizen:"
    assert checkpoint.to_bytes() == STARTER_PATH.read_bytes()


def test_it_expects_the_play_to_go_on() -> None:
    checkpoint = load(STARTER_PATH)
    text = checkpoint.vocabulary.encode("ROMEO:\nO, she doth teach the torches to burn bright!\n")
    batch = ReferenceEngine(checkpoint).batch(1)
    batch.add(Sequence(text, 0, SamplingParams(), score=True))
    (output,) = batch.step(text.size)
    assert output.prompt_logprobs is not None
    assert -float(np.nanmean(output.prompt_logprobs.chosen)) < 2.2


def test_the_starter_is_installed_with_how_it_finds_the_lines_held_out(tmp_path: Path) -> None:
    store = ModelStore(tmp_path)
    put_starter(store)
    found = held_out_scores(store, STARTER_MODEL, 1)
    assert found is not None and found.records > 3000
    loss = store.describe(STARTER_MODEL, 1).record.json["validation_loss"] / math.log(2)
    assert 0.05 < found.percentile(loss) < 0.5  # most lines have more bits alone than with what precedes them


def test_the_starter_is_installed_with_what_its_cells_follow(tmp_path: Path) -> None:
    store = ModelStore(tmp_path)
    put_starter(store)
    kept = store.kept(STARTER_MODEL, 1, KIND)
    assert kept is not None
    reply = TypeAdapter(CellsReply).validate_python({"model": STARTER_MODEL, "version": 1, **kept}, strict=True)
    assert reply["measured_on"]["held_out"]
    named = [each["slug"] for each in (*reply["cells"], *reply["not_found"], *reply["undecided"])]
    assert sorted(named) == sorted(annotator.slug for annotator in ANNOTATORS)
    assert {cell["slug"] for cell in reply["cells"]} >= {"speaker", "line-position", "upper-case"}

    checkpoint = store.load(STARTER_MODEL, 1)
    engine = CpuEngine(checkpoint)
    ids = written(engine, checkpoint.vocabulary.encode("\n"))
    text, states = checkpoint.vocabulary.decode(ids), trace(engine, ids).states
    for cell in reply["cells"]:
        labels = BY_SLUG[cell["slug"]].label(text)
        assert labels is not None
        unit = Units.of(states[:, cell["layer"], PARTS.index(cell["part"]), cell["unit"], None])
        strength = cell["sign"] * float(strengths([labels], unit)[0, 0])
        score = (1 + strength) / 2 if cell["measure"] == "auc" else strength
        assert abs(score - cell["score"]) < 0.1, cell


def written(engine: CpuEngine, start: Ids) -> Ids:
    """What the model writes of itself."""
    batch = engine.batch(1)
    batch.add(Sequence(start, 4000, SamplingParams(temperature=0.7, seed=3)))
    return np.concatenate([output.ids for output in batch.step(4000)])
