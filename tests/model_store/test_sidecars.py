"""What lies beside a version comes and goes with it, and is never taken for one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from charrnn.checkpoint import Checkpoint
from model_store import ModelStore, NotFoundError, install_starter
from tests.model_store.stores import afresh, names

Make = Callable[..., Checkpoint]

VALUE = {"cells": [{"unit": 3, "score": 0.97}], "naïve": None}


def test_what_is_kept_is_there_for_every_store(store: ModelStore, checkpoint: Make) -> None:
    store.publish("bard", checkpoint(1))
    assert store.kept("bard", 1, "cells") is None
    store.keep("bard", 1, "cells", {"old": 1})
    store.keep("bard", 1, "cells", VALUE)
    store.keep("bard", 1, "other", {"other": 1})
    assert afresh(store).kept("bard", 1, "cells") == VALUE
    found = names(store.root / "bard")
    assert found == {"1.safetensors", "1.cells.json", "1.other.json", ".lock"}


def test_it_changes_no_version(store: ModelStore, checkpoint: Make) -> None:
    store.publish("bard", checkpoint(1))
    before = store.path("bard", 1).read_bytes()
    store.keep("bard", 1, "cells", VALUE)
    (store.root / "bard" / "7.cells.json").write_text("{}")
    assert store.versions("bard") == [1]
    assert store.path("bard", 1).read_bytes() == before
    assert store.publish("bard", checkpoint(2)) == 2


def test_it_goes_with_its_version(store: ModelStore, checkpoint: Make) -> None:
    for value in (1, 2):
        store.keep("bard", store.publish("bard", checkpoint(value)), "cells", VALUE)
    store.set_alias("bard", "kept", 2)
    store.delete("bard", 1)
    found = names(store.root / "bard")
    assert found == {"1.deleted", "2.safetensors", "2.cells.json", "aliases.json", ".lock"}
    with pytest.raises(NotFoundError):
        store.kept("bard", 1, "cells")
    with pytest.raises(NotFoundError):
        store.keep("bard", 1, "cells", VALUE)
    assert store.kept("bard", 2, "cells") == VALUE


def test_what_a_deletion_that_died_halfway_left_is_taken_away(store: ModelStore, checkpoint: Make) -> None:
    store.publish("bard", checkpoint(1))
    store.keep("bard", 1, "cells", VALUE)
    store.path("bard", 1).rename(store.root / "bard" / "1.deleted")
    store.publish("bard", checkpoint(2))
    assert not (store.root / "bard" / "1.cells.json").exists()


@pytest.mark.parametrize("data", [b"", b"{", b"[1]", b"\xff"])
def test_what_cannot_be_read_is_not_there(store: ModelStore, checkpoint: Make, data: bytes) -> None:
    store.publish("bard", checkpoint(1))
    (store.root / "bard" / "1.cells.json").write_bytes(data)
    assert store.kept("bard", 1, "cells") is None


def test_a_starter_brings_what_lies_beside_it(store: ModelStore, checkpoint: Make, tmp_path: Path) -> None:
    path = tmp_path / "starter.safetensors"
    path.write_bytes(checkpoint(1).to_bytes())
    path.with_name("starter.cells.json").write_text(json.dumps(VALUE))
    path.with_name("starter.broken.json").write_text("{")
    path.with_name("another.cells.json").write_text("{}")
    assert install_starter(store, "bard", path) == 1
    assert store.kept("bard", 1, "cells") == VALUE
    assert store.kept("bard", 1, "broken") is None
