"""Keys that cannot be read let no one in; names of keys; opening the service again."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from durable.entries import is_there
from service.__main__ import main
from service.data_dir import DataDir
from service.keys.errors import KeyNameError, KeysInUseError, KeysUnavailableError
from service.keys.key_file import KeyFile
from tests.damage import DAMAGES, DAMAGES_OF_KEYS
from tests.disk import largest_file


@pytest.fixture
def keys(tmp_path: Path) -> KeyFile:
    made = KeyFile(DataDir(tmp_path))
    made.add("app", "a site")
    return made


@pytest.mark.parametrize(
    "damage",
    [*DAMAGES_OF_KEYS, "vanished", "no key left", "a half key", "another role"],
)
def test_damaged_keys_are_no_keys_at_all_but_a_fault(keys: KeyFile, tmp_path: Path, damage: str) -> None:
    path = tmp_path / "keys.json"
    if damage in DAMAGES:
        DAMAGES[damage](path)
    elif damage == "vanished":
        path.unlink()
    elif damage == "no key left":
        path.write_text("[]")
    else:
        whole = path.read_text()
        path.write_text(
            whole.replace('"app"', '"apps"') if damage == "another role" else whole.replace("sha256", "sha")
        )
    for reader in (keys, KeyFile(DataDir(tmp_path))):
        with pytest.raises(KeysUnavailableError, match=r"^keys.json"):
            reader.recent()


def test_keys_that_vanished_with_their_whole_folder_are_missed_by_a_process_that_saw_them(
    keys: KeyFile, tmp_path: Path
) -> None:
    assert len(keys.all()) == 1
    for path in (tmp_path / "keys.json", tmp_path / ".keys-made", tmp_path / "models" / ".keys-made"):
        path.unlink()
    with pytest.raises(KeysUnavailableError):
        keys.all()


def everything(folder: Path) -> tuple[Path, ...]:
    return folder / "keys.json", folder / ".keys-made", folder / "models" / ".keys-made"


@pytest.mark.usefixtures("keys")
def test_a_process_that_saw_the_keys_leaves_word_for_the_next_one(tmp_path: Path) -> None:
    now = [0.0]
    running = KeyFile(DataDir(tmp_path), lambda: now[0])
    assert len(running.recent()) == 1
    for path in everything(tmp_path):
        path.unlink()
    now[0] = 1.0
    for process in (running, KeyFile(DataDir(tmp_path))):
        with pytest.raises(KeysUnavailableError):
            process.recent()


def test_a_marker_that_is_lost_is_made_again_while_the_service_runs(keys: KeyFile, tmp_path: Path) -> None:
    file, *markers = everything(tmp_path)
    for marker in markers:
        marker.unlink()
    assert len(keys.recent()) == 1
    file.unlink()
    with pytest.raises(KeysUnavailableError):
        KeyFile(DataDir(tmp_path)).all()


def test_opening_makes_no_running_process_close_again(tmp_path: Path) -> None:
    now = [0.0]
    running, command = KeyFile(DataDir(tmp_path), lambda: now[0]), KeyFile(DataDir(tmp_path))
    command.add("app", "a site")
    assert len(running.recent()) == 1
    command.revoke(command.all()[0].id)
    command.open()
    for moment in (1.0, 2.0):
        now[0] = moment
        assert running.recent() == KeyFile(DataDir(tmp_path)).all() == ()


@pytest.mark.parametrize("lost", ["", "models"])
def test_one_note_is_enough_to_miss_them(keys: KeyFile, tmp_path: Path, lost: str) -> None:
    (tmp_path / lost / ".keys-made").unlink()
    (tmp_path / "keys.json").unlink()
    with pytest.raises(KeysUnavailableError):
        KeyFile(DataDir(tmp_path)).all()


def test_keys_of_an_earlier_release_are_noted(keys: KeyFile, tmp_path: Path) -> None:
    for note in (tmp_path / ".keys-made", tmp_path / "models" / ".keys-made"):
        note.unlink()
    KeyFile(DataDir(tmp_path)).remember()
    (tmp_path / "keys.json").unlink()
    with pytest.raises(KeysUnavailableError):
        KeyFile(DataDir(tmp_path)).all()


def test_without_any_keys_there_is_nothing_to_miss(tmp_path: Path) -> None:
    none = KeyFile(DataDir(tmp_path))
    none.remember()
    assert none.all() == ()
    assert list(tmp_path.iterdir()) == []


def test_a_fault_is_logged_once_and_so_is_its_end(
    keys: KeyFile, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    now = 0.0
    looking, whole = KeyFile(DataDir(tmp_path), lambda: now), (tmp_path / "keys.json").read_bytes()
    (tmp_path / "keys.json").write_bytes(whole[:40])
    for moment in range(5):
        now = float(moment)
        with pytest.raises(KeysUnavailableError):
            looking.recent()
    (tmp_path / "keys.json").write_bytes(whole)
    now = 9.0
    assert looking.recent() == keys.all()
    assert [record.levelname for record in caplog.records] == ["ERROR", "INFO"]
    assert "keys.json" in caplog.text


@pytest.mark.parametrize("name", ["", " ", "\t", "a\nb", "a\x00b", "x" * 101, "\ud800", "a\u2028b"])
def test_a_key_needs_a_name_that_can_be_shown(tmp_path: Path, name: str) -> None:
    with pytest.raises(KeyNameError, match="NAME must be 1 to 100 printable"):
        KeyFile(DataDir(tmp_path)).add("app", name)
    assert list(tmp_path.iterdir()) == []


def test_opening_again(keys: KeyFile) -> None:
    keys.add("admin", "operator")
    with pytest.raises(KeysInUseError, match=keys.all()[0].id):
        keys.open()
    keys.revoke(keys.all()[0].id)
    assert [key.role for key in keys.all()] == ["app", "admin"]
    assert keys.open() is None
    assert [key.role for key in keys.all()] == ["admin"]


def test_opening_when_there_are_no_others(keys: KeyFile, tmp_path: Path) -> None:
    keys.revoke(keys.all()[0].id)
    keys.open()
    assert keys.all() == KeyFile(DataDir(tmp_path)).all() == ()
    keys.add("app", "another")
    assert len(keys.all()) == 1


@pytest.mark.parametrize("damage", [*DAMAGES_OF_KEYS, "vanished"])
def test_opening_sets_aside_what_cannot_be_understood(keys: KeyFile, tmp_path: Path, damage: str) -> None:
    path = tmp_path / "keys.json"
    DAMAGES.get(damage, Path.unlink)(path)
    aside = keys.open()
    assert KeyFile(DataDir(tmp_path)).all() == ()
    assert (aside is not None and is_there(aside)) == (damage != "vanished")


def test_a_new_key_after_the_others_vanished(keys: KeyFile, tmp_path: Path) -> None:
    (tmp_path / "keys.json").unlink()
    keys.add("app", "another")
    assert [key.name for key in keys.all()] == ["another"]


def test_a_first_key_that_cannot_be_written_closes_nothing(tmp_path: Path) -> None:
    keys = KeyFile(DataDir(tmp_path))
    with pytest.raises(OSError, match="large"), largest_file(50):
        keys.add("app", "phone")
    assert keys.all() == ()


def test_a_further_key_that_cannot_be_written_leaves_the_others(keys: KeyFile) -> None:
    before = keys.all()
    with pytest.raises(OSError, match="large"), largest_file(50):
        keys.add("app", "tablet")
    assert keys.all() == before != ()


def test_the_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    assert main(["keys", "add", "a site"]) == 0
    keys = KeyFile(DataDir(tmp_path))
    assert main(["keys", "open"]) == 1
    assert keys.all()[0].id in capsys.readouterr().err
    assert main(["keys", "revoke", keys.all()[0].id]) == 0
    assert main(["keys", "open"]) == 0
    assert "without a key" in capsys.readouterr().out
    assert main(["keys", "add", ""]) == 1
    assert "NAME must be" in capsys.readouterr().err
    (tmp_path / "keys.json").write_text("[")
    for command in (["list"], ["add", "b"], ["revoke", "b"]):
        assert main(["keys", *command]) == 1
        error = capsys.readouterr().err
        assert error.startswith("service: keys.json")
        assert (error.count("\n"), "keys open" in error) == (1, True)


@pytest.mark.skipif(os.getuid() != 0, reason="only root makes keys for another user")
def test_the_file_is_only_read_by_the_owner_of_the_directory(tmp_path: Path) -> None:
    os.chown(tmp_path, 12345, 12345)
    before = os.umask(0)
    try:
        KeyFile(DataDir(tmp_path)).add("app", "a site")
    finally:
        os.umask(before)
    found = (tmp_path / "keys.json").stat()
    assert (stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid) == (0o600, 12345, 12345)
