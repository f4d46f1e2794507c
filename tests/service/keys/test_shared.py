"""Keys of several machines, each with a directory of its own, over one store: the same laws as those of one machine."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from durable.directory_objects import DirectoryObjects
from durable.objects import Content, ObjectInfo, Objects, StoreUnavailableError
from service.data_dir import DataDir
from service.keys.errors import KeyNotFoundError, KeysInUseError, KeysUnavailableError
from service.keys.key_file import Key, KeyFile
from service.keys.mirror import KeysMirror
from service.keys.shared import MADE_SECONDS, SharedKeyFile, SharedKeys, SharedMadeKeys
from tests.laws import examples


class Away(DirectoryObjects):
    """A store that can be away, and counts what it is asked."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.away = False
        self.asked = 0

    def get(self, key: str) -> Content:
        self.asked += 1
        if self.away:
            raise StoreUnavailableError("away")
        return super().get(key)

    def list(self, prefix: str, after: str = "") -> Iterator[ObjectInfo]:
        if self.away:
            raise StoreUnavailableError("away")
        return super().list(prefix, after)


class Machine:
    def __init__(self, folder: Path, objects: Objects) -> None:
        self.data = DataDir(folder)
        self.data.make()
        mirror = KeysMirror(objects, folder, self.data.keys_seen)
        self.hints = 0
        self.looked = 0.0
        self.now = 0.0
        self.keys = SharedKeyFile(self.data, mirror, self._changed, lambda: self.now)
        self.admin = SharedMadeKeys(self.data.admin_key, mirror)
        self.all = SharedKeys(
            self.keys, [self.admin, SharedMadeKeys(self.data.continuation_key, mirror, 3)], objects, self._later
        )

    def _later(self) -> float:
        """A minute after the last look, so that the made keys are looked at each time."""
        self.looked += MADE_SECONDS
        return self.looked

    def _changed(self) -> None:
        self.hints += 1

    def names(self) -> list[str]:
        """Of the valid keys, as a request sees them."""
        self.now += 1
        return sorted(key.name for key in self.keys.recent() if key.revoked is None)


@pytest.fixture
def store(tmp_path: Path) -> Away:
    return Away(tmp_path / "store")


@pytest.fixture
def machines(tmp_path: Path, store: Away) -> list[Machine]:
    made = [Machine(tmp_path / name, store) for name in ("a", "b", "c")]
    for machine in made:
        machine.all.refresh()
    return made


def test_what_one_changes_holds_on_all_from_their_next_look_on(machines: list[Machine]) -> None:
    a, b, _ = machines
    key = a.keys.add("app", "one")
    assert (a.hints, a.names(), len(key)) == (1, ["one"], 43)
    assert b.names() == []
    for machine in machines:
        machine.all.refresh()
        assert machine.names() == ["one"]
    b.keys.add("admin", "two")
    b.keys.revoke(a.keys.all()[0].id)
    for machine in machines:
        machine.all.refresh()
        assert machine.names() == ["two"]
        assert [each.role for each in machine.keys.all() if each.revoked] == ["app"]
    with pytest.raises(KeyNotFoundError):
        a.keys.revoke("nothing")


def test_changes_at_the_same_moment_are_all_kept(machines: list[Machine]) -> None:
    def add(machine: Machine, name: str) -> None:
        for number in range(5):
            machine.keys.add("app", f"{name}{number}")

    threads = [threading.Thread(target=add, args=(m, n)) for m, n in zip(machines, "abc", strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for machine in machines:
        machine.all.refresh()
        assert machine.names() == sorted(f"{name}{number}" for name in "abc" for number in range(5))


def test_a_machine_that_has_never_reached_the_store_lets_no_one_in(tmp_path: Path, store: Away) -> None:
    store.away = True
    fresh = Machine(tmp_path / "fresh", store)
    with pytest.raises(OSError, match="away"):
        fresh.all.refresh()
    for read in (fresh.keys.recent, fresh.keys.all, fresh.admin.recent):
        with pytest.raises(KeysUnavailableError, match="not been read from the store yet"):
            read()


def test_at_the_start_nothing_is_wrong(tmp_path: Path, store: Away, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    fresh = Machine(tmp_path / "fresh", store)
    with pytest.raises(KeysUnavailableError):
        fresh.names()
    fresh.all.refresh()
    assert fresh.names() == []
    told = [(each.levelname, each.getMessage().partition(":")[0]) for each in caplog.records]
    assert told == [("INFO", "keys.json has not been read from the store yet"), ("INFO", "keys can be read")]


def test_one_that_has_goes_on_while_the_store_is_away(tmp_path: Path, machines: list[Machine], store: Away) -> None:
    a, b, _ = machines
    a.keys.add("app", "one")
    b.all.refresh()
    store.away = True
    for again in (b, Machine(tmp_path / "b", store)):
        assert again.names() == ["one"]
        assert again.admin.recent() == a.admin.recent()
        with pytest.raises(OSError, match="away"):
            again.keys.add("app", "two")
    store.away = False
    b.all.refresh()
    assert b.names() == ["one"]


def test_a_request_asks_the_store_nothing(machines: list[Machine], store: Away) -> None:
    machines[0].keys.add("app", "one")
    before = store.asked
    for _ in range(10):
        machines[0].names()
        machines[0].admin.recent()
    assert store.asked == before


def test_unchanged_keys_are_not_fetched_again(machines: list[Machine], store: Away) -> None:
    a, b, _ = machines
    a.keys.add("app", "one")
    b.all.refresh()
    before = store.asked
    assert [each.key for each in store.list("")] == ["admin-key", "continuation-key", "keys-made", "keys.json"]
    assert not b.all.refresh()
    assert store.asked == before
    a.keys.add("app", "two")
    assert b.all.refresh()
    assert b.names() == ["one", "two"]


def test_a_list_from_before_a_change_takes_nothing_back(machines: list[Machine], store: Away) -> None:
    a = machines[0]
    listed = {each.key: each for each in store.list("")}
    a.keys.add("app", "one")
    a.keys.refresh(listed)
    assert a.names() == ["one"]
    listed = {each.key: each for each in store.list("")}
    a.keys.revoke(a.keys.all()[0].id)
    a.keys.refresh(listed)
    assert a.names() == []


@pytest.mark.parametrize("lost", [["keys.json"], ["keys.json", "keys-made"]])
def test_keys_that_vanish_from_the_store_close_all(
    tmp_path: Path, machines: list[Machine], store: Away, lost: list[str]
) -> None:
    a, b, _ = machines
    a.keys.add("app", "one")
    b.all.refresh()
    for key in lost:
        store.delete(key)
    b.all.refresh()
    for machine in (*machines, Machine(tmp_path / "new", store)):
        machine.all.refresh()
        with pytest.raises(KeysUnavailableError, match=r"keys\.json has vanished"):
            machine.names()
    b.keys.add("app", "two")
    for machine in machines:
        machine.all.refresh()
        assert machine.names() == ["two"]


def test_damaged_keys_close_all_until_they_are_opened(machines: list[Machine], store: Away) -> None:
    a, b, _ = machines
    a.keys.add("app", "one")
    store.put("keys.json", b"[{]")
    for machine in machines:
        machine.all.refresh()
        with pytest.raises(KeysUnavailableError, match="cannot be understood"):
            machine.names()
    aside = b.keys.open()
    assert aside is not None
    assert aside.read_bytes() == b"[{]"
    for machine in machines:
        machine.all.refresh()
        assert machine.names() == []


def test_opening_opens_all(machines: list[Machine]) -> None:
    a, b, c = machines
    a.keys.add("app", "one")
    c.all.refresh()
    with pytest.raises(KeysInUseError):
        b.keys.open()
    b.keys.revoke(a.keys.all()[0].id)
    a.keys.open()
    for machine in machines:
        machine.all.refresh()
        assert machine.keys.all() == ()
        assert not (machine.data.root / ".keys-made").exists()


def test_a_mirror_that_is_damaged_is_mended(machines: list[Machine], store: Away) -> None:
    a = machines[0]
    a.keys.add("app", "one")
    for damage in (lambda: a.data.keys.write_text("[]"), a.data.keys.unlink, a.data.keys_seen.unlink):
        damage()
        a.all.refresh()
        assert a.names() == ["one"]


def test_the_keys_of_a_directory_that_gets_a_store_are_put_there(tmp_path: Path, store: Away) -> None:
    for name in ("a", "b"):
        KeyFile(DataDir(tmp_path / name)).add("app", f"of {name}")
        (tmp_path / name / "admin-key").write_text(name * 40)
    a, b = (Machine(tmp_path / name, store) for name in ("a", "b"))
    for machine in (a, b):
        machine.all.refresh()
        assert machine.names() == ["of a"]
        assert machine.admin.recent() == ("a" * 40,)
    kept = {path.read_text() for path in b.data.root.glob(".damaged-*")}
    assert "b" * 40 in kept
    assert any("of b" in each for each in kept), "nothing is lost"


def test_a_made_key_is_the_same_on_all(machines: list[Machine], store: Away) -> None:
    assert len({machine.admin.read() for machine in machines}) == 1
    assert all(path.stat().st_mode & 0o777 == 0o600 for m in machines for path in m.data.secrets if path.exists())
    newer = "n" * 40
    store.put("admin-key", f"{newer}\n".encode())
    for machine in machines:
        assert machine.all.refresh()
        assert machine.admin.read() == (newer,)
    store.delete("admin-key")
    machines[0].all.refresh()
    assert machines[0].admin.read() == (newer,), "it is put there again"


@examples(6, HealthCheck.function_scoped_fixture)
@given(st.lists(st.tuples(st.integers(0, 1), st.sampled_from(["add", "revoke", "open", "look", "lose"])), max_size=8))
def test_no_machine_is_ever_open_after_keys_were_made(
    tmp_path_factory: pytest.TempPathFactory, done: list[tuple[int, str]]
) -> None:
    folder = tmp_path_factory.mktemp("machines")
    store = Away(folder / "store")
    machines = [Machine(folder / str(number), store) for number in range(2)]
    closed = False
    for number, action in done:
        machine = machines[number]
        machine.all.refresh()
        valid = [key for key in _read(machine) or () if key.revoked is None]
        if action == "add":
            machine.keys.add("app", "one")
            closed = True
        elif action == "revoke" and valid:
            machine.keys.revoke(valid[0].id)
        elif action == "open" and not valid:
            machine.keys.open()
            closed = False
        elif action == "lose" and closed:
            store.delete("keys.json")
        for each in machines:
            each.all.refresh()
            assert (_read(each) == ()) == (not closed)


def _read(machine: Machine) -> tuple[Key, ...] | None:
    try:
        return machine.keys.all()
    except KeysUnavailableError:
        return None
