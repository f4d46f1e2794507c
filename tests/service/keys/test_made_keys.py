"""Keys that the service makes by itself: made once, and rotated by hand where there may be several."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.keys.errors import KeysUnavailableError
from service.keys.made_keys import MadeKeys
from tests.damage import DAMAGES, DAMAGES_OF_KEYS


@pytest.mark.parametrize("most", [1, 3])
def test_a_key_is_made_once(tmp_path: Path, most: int) -> None:
    keys = MadeKeys(tmp_path / "new" / "admin-key", most)
    keys.make()
    (made,) = keys.read()
    keys.make()
    assert (keys.recent(), len(made)) == ((made,), 43)
    assert (tmp_path / "new" / "admin-key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("damage", [*DAMAGES_OF_KEYS, "vanished", "two lines"])
def test_a_damaged_key_is_a_fault(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "admin-key"
    MadeKeys(path).make()
    if damage == "two lines":
        path.write_text(path.read_text() * 2)
    else:
        DAMAGES.get(damage, Path.unlink)(path)
    if damage != "vanished":
        MadeKeys(path).make()  # which leaves it as it is
    with pytest.raises(KeysUnavailableError, match=r"^admin-key"):
        MadeKeys(path).recent()


def test_a_newer_key_is_a_line_before_the_others_and_is_seen_within_a_second(tmp_path: Path) -> None:
    path, now = tmp_path / "continuation-key", [0.0]
    keys = MadeKeys(path, most=2, clock=lambda: now[0])
    keys.make()
    (old,) = keys.recent()
    new = "n" * 32
    path.write_text(f"{new}\n{old}\n")
    now[0] = 1.5
    assert keys.recent() == (new, old)
    path.write_text(f"{new}\r\n")
    assert MadeKeys(path, most=2).read() == (new,)


@pytest.mark.parametrize("lines", ["{key}\n\n{key}\n", "{key}\nshort\n", "{key}\n{key}\n{key}\n", "{key} {key}\n"])
def test_a_line_that_is_no_key_is_a_fault(tmp_path: Path, lines: str) -> None:
    path = tmp_path / "continuation-key"
    path.write_text(lines.format(key="k" * 32))
    with pytest.raises(KeysUnavailableError, match=r"^continuation-key holds no key: it must be 1 to 2 lines"):
        MadeKeys(path, most=2).read()
