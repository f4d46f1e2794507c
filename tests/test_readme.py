"""The README tells the truth about the settings and the commands."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from service.commands.command_line import _parser
from service.settings import Settings

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = (README, *(path.read_text(encoding="utf-8") for path in sorted((ROOT / "docs").glob("*.md"))))
COMMANDS = [line for page in PAGES for line in re.findall(r"\.venv/bin/charrnn ([^`\\\n]*)", page)]


def test_the_settings_table_is_the_settings() -> None:
    rows = re.findall(r"^\| `([A-Z_]+)` \| (.*?) \| (.*) \|$", README, re.MULTILINE)
    assert rows == [
        (name.upper(), _default(field.default), field.description) for name, field in Settings.model_fields.items()
    ]


def _default(value: object) -> str:
    return f"`{value}`" if value not in ("", ()) else ""


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_is_one_that_there_is(command: str) -> None:
    arguments = shlex.split(command.replace("$cell", "gru").replace("<job id>", "20261126-1"))
    assert _parser().parse_args(arguments).run


def test_no_command_needs_an_environment_to_be_activated() -> None:
    assert COMMANDS
    for page in PAGES:
        assert not re.search(r"^ +(python|pip|charrnn|gunicorn) ", page, re.MULTILINE)
        assert "python -m service" not in re.sub(r"docker compose .*", "", page), "but in a container it is activated"
