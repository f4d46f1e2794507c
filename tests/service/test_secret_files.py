"""Secrets in files: one a line or with commas; whatever is wrong ends the start with one line that shows none."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.settings import Settings, read_settings
from tests.damage import DAMAGES

LONG = "k" * 32
VALUES = {
    "redis_url": "redis://:password@queue:6379/0",
    "cache_url": "redis://:password@cache:6379/0",
    "api_keys": "one",
    "admin_api_keys": "one",
    "continuation_keys": LONG,
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "secret"


def given(monkeypatch: pytest.MonkeyPatch, name: str, file: Path) -> str:
    variable = f"{name.upper()}_FILE"
    monkeypatch.setenv(variable, str(file))
    return variable


@pytest.mark.parametrize("name", Settings.secrets())
def test_a_file_in_place_of_a_value(monkeypatch: pytest.MonkeyPatch, file: Path, name: str) -> None:
    given(monkeypatch, name, file)
    file.write_text(f"{VALUES[name]}\r\n")
    monkeypatch.setenv(name.upper(), "")  # as docker compose sets what is not given
    monkeypatch.setenv("HOST", "::1")
    settings = read_settings()
    value = getattr(settings, name)
    assert (value if isinstance(value, str) else ",".join(value)) == VALUES[name]
    assert settings.host == "::1"


@pytest.mark.parametrize(
    "content", ["one,two", "one\ntwo\n", "\ufeff one , two\r\n", "one\r\n\r\ntwo", "\n,one\n,two,\n"]
)
def test_several_keys(monkeypatch: pytest.MonkeyPatch, file: Path, content: str) -> None:
    given(monkeypatch, "api_keys", file)
    file.write_text(content, encoding="utf-8", newline="")
    assert Settings().api_keys == ("one", "two")


@pytest.mark.parametrize("name", Settings.secrets())
def test_a_secret_that_is_given_twice(monkeypatch: pytest.MonkeyPatch, file: Path, name: str) -> None:
    variable = given(monkeypatch, name, file)
    file.write_text(VALUES[name])
    monkeypatch.setenv(name.upper(), VALUES[name])
    with pytest.raises(SystemExit, match=f"^service: {name.upper()} and {variable} are both set: set one of them$"):
        read_settings()


@pytest.mark.parametrize(
    ("damage", "fault"),
    [
        ("missing", "cannot be read: No such file"),
        ("empty", "is empty"),
        ("blank", "is empty"),
        *((each, "") for each in ("not_utf8", "a_folder", "dangling", "looping")),
    ],
)
def test_a_file_without_a_secret(monkeypatch: pytest.MonkeyPatch, file: Path, damage: str, fault: str) -> None:
    variable = given(monkeypatch, "admin_api_keys", file)
    if damage in DAMAGES:
        file.write_text("[]")
        DAMAGES[damage](file)
    elif damage != "missing":
        file.write_text(" \n" if damage == "blank" else "")
    with pytest.raises(SystemExit) as caught:
        read_settings()
    line = str(caught.value)
    assert line.startswith(f"service: {variable}={file} {fault}")
    assert "\n" not in line


def test_no_message_shows_what_is_in_a_file(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    given(monkeypatch, "api_keys", file)
    for content in (b"secret \xff", b"secret key", "sécret".encode()):
        file.write_bytes(content)
        with pytest.raises(SystemExit, match=r"^service: API_KEYS") as caught:
            read_settings()
        assert "cret" not in str(caught.value).replace(str(file), "")


@pytest.mark.parametrize("content", [",", "\n,\n"])
def test_a_file_of_keys_without_any_does_not_open_the_doors(
    monkeypatch: pytest.MonkeyPatch, file: Path, content: str
) -> None:
    given(monkeypatch, "api_keys", file)
    file.write_text(content)
    with pytest.raises(SystemExit, match="API_KEYS is set but contains no key"):
        read_settings()


def test_processes_that_start_later_need_no_file(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    given(monkeypatch, "api_keys", file)
    file.write_text("one\ntwo")
    before = read_settings()
    file.unlink()
    for line in before.without_files():
        monkeypatch.setenv(*line.split("=", 1))
    assert read_settings() == before
    assert Settings().without_files() == []
