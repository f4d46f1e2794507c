from __future__ import annotations

import pytest

from service.commands.labels import without


def test_a_result_that_would_be_several_is_refused() -> None:
    assert without("\n", "a label") == "a label"
    for separator, result in (("\n", "two\nlines"), ("\t", "a\tb"), ("%%", "50%%")):
        with pytest.raises(SystemExit, match="use --json"):
            without(separator, result)
