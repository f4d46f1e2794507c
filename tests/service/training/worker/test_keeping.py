from __future__ import annotations

import errno
import os
from typing import Any

import pytest

from charrnn.vocabulary import Vocabulary
from model_store import ModelStore
from service.training.worker.keeping import keep
from tests.networks import random_network


def test_a_version_that_is_gone_keeps_nothing(models: ModelStore) -> None:
    keep(models, "nobody", 1, {"cells": {"a": 1}})
    assert models.models() == []


def test_what_cannot_be_kept_keeps_nothing_else_from_it(models: ModelStore) -> None:
    number = errno.EIO

    class Picky(ModelStore):
        def keep(self, name: str, version: int, kind: str, value: dict[str, Any]) -> None:
            if kind == "cells":
                raise OSError(number, os.strerror(number))
            super().keep(name, version, kind, value)

    models.publish("a", random_network(Vocabulary("ab"), "gru", 4))
    keep(Picky(models.root), "a", 1, {"cells": {"a": 1}, "scores": {"b": 2}})
    assert (models.kept("a", 1, "cells"), models.kept("a", 1, "scores")) == (None, {"b": 2})
    number = errno.ENOSPC
    with pytest.raises(OSError, match="No space"):  # which there may be later
        keep(Picky(models.root), "a", 1, {"cells": {"a": 1}})
