"""The README tells the truth about the settings."""

from __future__ import annotations

import re
from pathlib import Path

from service.settings import Settings

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")


def test_the_settings_table_is_the_settings() -> None:
    rows = re.findall(r"^\| `([A-Z_]+)` \| (.*?) \| (.*) \|$", README, re.MULTILINE)
    assert rows == [
        (name.upper(), _default(field.default), field.description) for name, field in Settings.model_fields.items()
    ]


def _default(value: object) -> str:
    return f"`{value}`" if value not in ("", ()) else ""
