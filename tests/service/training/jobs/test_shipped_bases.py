"""The bases that are shipped, and those of another folder."""

from pathlib import Path

import pytest

from charrnn.vocabulary import Vocabulary
from service.training.errors import JobRequestError
from service.training.jobs.shipped_bases import ShippedBase, ShippedBases
from tests.networks import random_network


def test_those_that_are_shipped_are_small_and_alike() -> None:
    found = ShippedBases().all()
    assert all(path.stat().st_size < 3_000_000 for path in ShippedBases().folder.glob("*"))
    for base, checkpoint in found:
        assert checkpoint.vocabulary.level == "char"
        assert checkpoint.arrangement.is_text
        assert base.digest == checkpoint.digest
        assert {*" \netaoin,.01"} <= {*checkpoint.vocabulary.characters}


def test_only_the_base_that_was_chosen_is_loaded(tmp_path: Path) -> None:
    network = random_network(Vocabulary("ab"), "gru", 5)
    (tmp_path / "letters.safetensors").write_bytes(network.to_bytes())
    bases = ShippedBases(tmp_path)
    ((base, _),) = bases.all()
    assert base == ShippedBase("letters", network.digest)
    assert bases.load(base).digest == network.digest
    for other in (ShippedBase("letters", "cd"), ShippedBase("words", network.digest)):
        with pytest.raises(JobRequestError, match=f"base {other.name} is not the one that the job began with"):
            bases.load(other)
