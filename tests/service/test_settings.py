from __future__ import annotations

import pytest
from pydantic import ValidationError

from charrnn.cores import usable_cores
from service.settings import Settings


@pytest.mark.parametrize("written", ["cores", " Cores", None])
def test_as_many_web_processes_as_cores_may_be_used(written: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WEB_WORKERS", raising=False)
    if written is not None:
        monkeypatch.setenv("WEB_WORKERS", written)
    assert Settings().web_workers == usable_cores()


def test_a_number_of_web_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEB_WORKERS", "3")
    assert Settings().web_workers == 3
    monkeypatch.setenv("WEB_WORKERS", "0")
    with pytest.raises(ValidationError, match="web_workers"):
        Settings()
