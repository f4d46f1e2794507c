import json
import os
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from durable import locks
from service.training.corpora.conversion import Conversion
from service.training.corpora.decoding import Newlines
from service.training.corpora.order import DELETED
from service.training.corpora.store import LOCK, CorpusStore
from service.training.errors import (
    BinaryCorpusError,
    CorpusError,
    CorpusInUseError,
    CorpusNotFoundError,
    EmptyCorpusError,
    EncodingError,
    IncompleteUploadError,
    TooLargeError,
)
from tests.disk import largest_file
from tests.service.training.corpora.conftest import NewStore

FRENCH = "Le café est fermé à l'été, déjà vu ; où êtes-vous ? Ça va très bien, garçon.\n" * 5
RUSSIAN = "В начале было слово, и слово было у бога, и всё через него начало быть.\n" * 5  # noqa: RUF001
JAPANESE = "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。\n" * 5


@pytest.fixture
def store(new_store: NewStore) -> CorpusStore:
    return new_store(max_bytes=1 << 20)


def left_behind(store: CorpusStore) -> list[str]:
    if not store.root.exists():
        return []
    return sorted(path.name for path in store.root.iterdir() if path.name not in (".lock", DELETED))


def in_pieces(data: bytes, size: int) -> list[bytes]:
    return [data[i : i + size] for i in range(0, len(data), size)]


def test_a_text_is_stored_and_described(store: CorpusStore) -> None:
    text = "héllo\nwörld\nlast"
    corpus, created = store.add(in_pieces(text.encode(), 1), "greetings")
    assert created
    assert (corpus.name, corpus.encoding) == ("greetings", "utf-8")
    assert (corpus.bytes, corpus.characters, corpus.lines) == (len(text.encode()), len(text), 3)
    assert corpus.vocabulary_size == len(set(text))
    assert corpus.sha256.startswith(corpus.id)
    assert store.path(corpus).read_bytes() == text.encode()
    assert store.characters(corpus) == "".join(sorted(set(text)))
    assert store.get(corpus.id) == corpus == CorpusStore(store.root).list()[0]
    assert left_behind(store) == [corpus.id]


def test_the_same_content_again_is_the_same_corpus(store: CorpusStore) -> None:
    first, _ = store.add([b"hello\n"], "one")
    again, created = store.add([b"hel", b"lo\n"], "two")
    assert not created
    assert again == first
    assert left_behind(store) == [first.id]


@pytest.mark.parametrize(
    ("data", "text", "line_ends"),
    [
        (b"a\r\nb\r\n", "a\nb\n", "crlf"),
        (b"a\rb\r", "a\nb\n", "cr"),
        (b"a\r\rb\n\r\n", "a\n\nb\n\n", "mixed"),
        (b"a\nb\n", "a\nb\n", "lf"),
        (b"a b", "a b", "none"),
        ("caf\u00e9\r\nb\r".encode("utf-16"), "caf\u00e9\nb\n", "mixed"),
    ],
)
@pytest.mark.parametrize("size", [1, 2, 1000])
def test_line_ends_become_lf_wherever_they_are_cut(
    store: CorpusStore, data: bytes, text: str, line_ends: str, size: int
) -> None:
    corpus, _ = store.add(in_pieces(data, size))
    assert store.path(corpus).read_bytes() == text.encode()
    assert (corpus.newlines, corpus.line_ends, corpus.lines) == ("lf", line_ends, text.count("\n") or 1)
    assert "\r" not in store.characters(corpus)


@pytest.mark.parametrize("size", [1, 1000])
def test_line_ends_are_kept_on_request(store: CorpusStore, size: int) -> None:
    corpus, _ = store.add(in_pieces(b"a\r\nb\r\n", size), conversion=Conversion(newlines="keep"))
    assert store.path(corpus).read_bytes() == b"a\r\nb\r\n"
    assert (corpus.newlines, corpus.line_ends, corpus.lines) == ("keep", "crlf", 2)
    assert store.characters(corpus) == "\n\rab"


@pytest.mark.parametrize("newlines", ["lf", "keep"])
def test_the_marks_of_joined_files_are_dropped(store: CorpusStore, newlines: Newlines) -> None:
    part = "na\u00efve\n".encode("utf-8-sig")
    corpus, _ = store.add([part * 3], conversion=Conversion(newlines=newlines))
    assert store.path(corpus).read_text(encoding="utf-8") == "na\u00efve\n" * 3
    assert store.add([b"".join("x\n".encode("utf-16-le") for _ in range(2)).join([b"\xff\xfe"] * 3)])[0].lines == 4


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be", "utf-32", "utf-32-be"])
@pytest.mark.parametrize("size", [1, 3, 1000])
def test_a_byte_order_mark_is_obeyed_and_dropped(store: CorpusStore, encoding: str, size: int) -> None:
    text = "naïve 猫 \U0001f40d\n" * 20
    mark = "\ufeff" if encoding.endswith("-be") else ""
    corpus, _ = store.add(in_pieces((mark + text).encode(encoding), size))
    assert store.path(corpus).read_bytes() == text.encode()
    assert corpus.characters == len(text)
    assert corpus.encoding.startswith(encoding.removesuffix("-sig"))


@pytest.mark.parametrize(
    ("text", "encoding"),
    [(FRENCH, "cp1252"), (RUSSIAN, "cp1251"), (RUSSIAN, "koi8_r"), (JAPANESE, "cp932"), (JAPANESE, "euc_jp")],
)
def test_other_encodings_are_recognised_and_converted(store: CorpusStore, text: str, encoding: str) -> None:
    corpus, _ = store.add(in_pieces(text.encode(encoding), 7))
    assert corpus.encoding == encoding
    assert store.path(corpus).read_text(encoding="utf-8") == text
    assert left_behind(store) == [corpus.id]


def test_the_same_text_in_two_encodings_is_one_corpus(store: CorpusStore) -> None:
    first, _ = store.add([FRENCH.encode()])
    second, created = store.add([FRENCH.replace("\n", "\r\n").encode("cp1252")], "another name")
    assert (second.id, second.name, second.created, created) == (first.id, first.name, first.created, False)
    assert (second.encoding, second.line_ends) == ("cp1252", "crlf"), "what was done with this upload"
    assert store.get(first.id) == first


@pytest.mark.parametrize(
    ("data", "position"),
    [
        (b"caf\xe9\n", 3),
        ("naïve café ".encode() * 20 + b"\xff" + b" end", 260),
        (b"x" * 5000 + b"\xe9", 5000),
        ("ä".encode()[:1], 0),
        ("ok ä".encode()[:-1], 3),
        ("\ud800".encode("utf-8", "surrogatepass"), 0),
        ("\ufeff".encode() + b"abc\xff", 6),
    ],
)
@pytest.mark.parametrize("size", [1, 2, 1000])
def test_what_is_no_known_encoding_is_refused_with_the_first_bad_byte(
    store: CorpusStore, data: bytes, position: int, size: int
) -> None:
    with pytest.raises(EncodingError, match=f"at position {position}") as caught:
        store.add(in_pieces(data, size))
    assert caught.value.position == position
    assert left_behind(store) == []


@pytest.mark.parametrize("encoding", [None, "utf-7"])
def test_half_of_a_surrogate_pair_is_refused(store: CorpusStore, encoding: str | None) -> None:
    text = "This text was written in UTF-7: caf+AOk-, na+AO8-ve, +2D3cCA-.\n" * 9
    with pytest.raises(EncodingError, match=r"half of a surrogate pair at about byte \d+ \(line 11\)"):
        store.add([f"{text}\n+2D0-\n".encode()], conversion=Conversion(encoding))
    assert left_behind(store) == []


@pytest.mark.parametrize("data", [b"a\0b", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\xff\xfe", "ab".encode("utf-16-le")])
def test_binary_data_is_refused(store: CorpusStore, data: bytes) -> None:
    with pytest.raises(BinaryCorpusError, match="not a text"):
        store.add([data])
    assert left_behind(store) == []


@pytest.mark.parametrize("data", [b"", b"\xef\xbb\xbf", b"\xff\xfe"])
def test_an_empty_corpus_is_refused(store: CorpusStore, data: bytes) -> None:
    with pytest.raises(EmptyCorpusError):
        store.add([data])
    assert left_behind(store) == []


def test_the_limit_holds_while_the_upload_runs(new_store: NewStore) -> None:
    store = new_store(max_bytes=10)
    taken = 0

    def endless() -> Iterator[bytes]:
        nonlocal taken
        while True:
            taken += 1
            yield b"abc"

    with pytest.raises(TooLargeError, match="at most 10 bytes") as caught:
        store.add(endless())
    assert (caught.value.limit, taken) == (10, 4)
    assert left_behind(store) == []
    with pytest.raises(TooLargeError):
        store.add(endless(), size=11)
    assert taken == 4
    assert store.add([b"0123456789"])[1]


def test_an_upload_that_breaks_off_leaves_nothing(store: CorpusStore) -> None:
    def broken() -> Iterator[bytes]:
        yield b"hello"
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        store.add(broken())
    with pytest.raises(IncompleteUploadError, match="after 5 of 6 bytes"):
        store.add([b"hello"], size=6)
    assert left_behind(store) == []


def test_what_a_dead_upload_left_is_removed_by_the_next(store: CorpusStore) -> None:
    store.root.mkdir(parents=True)
    dead = store.root / ".draft-dead.d"
    dead.mkdir()
    (dead / "text.txt").write_bytes(b"half")

    def during() -> Iterator[bytes]:
        yield b"one"
        store.add([b"another"])
        yield b"two"

    corpus, _ = store.add(during())
    assert not dead.exists()
    assert store.path(corpus).read_bytes() == b"onetwo", "a living upload is left alone"


def test_a_full_disk_leaves_nothing(store: CorpusStore) -> None:
    with largest_file(1000), pytest.raises(OSError, match="too large"):
        store.add([b"x" * 2000])
    assert left_behind(store) == []


@pytest.mark.parametrize("name", ["x" * 201, "a\nb", "a\0b"])
def test_a_name_that_cannot_be_shown_is_refused(store: CorpusStore, name: str) -> None:
    with pytest.raises(CorpusError, match="name must be"):
        store.add([b"hello"], name)
    assert left_behind(store) == []


@pytest.mark.parametrize("identity", ["", "../x", "0" * 16, "0" * 300, "0" * 15 + "\n"])
def test_an_unknown_corpus_is_not_found(store: CorpusStore, identity: str) -> None:
    for call in (store.get, store.delete, store.confirm):
        with pytest.raises(CorpusNotFoundError):
            call(identity)
    assert not store.root.exists()


def test_a_corpus_is_deleted_unless_a_job_needs_it(new_store: NewStore) -> None:
    needed = ["job-1"]
    store = new_store(in_use=lambda _: needed)
    corpus, _ = store.add([b"hello"])
    with pytest.raises(CorpusInUseError, match="job-1") as caught:
        store.delete(corpus.id)
    assert caught.value.jobs == ("job-1",)
    needed.clear()
    store.delete(corpus.id)
    assert store.list() == []
    assert left_behind(store) == []
    assert store.add([b"hello"])[1]


def test_corpora_are_listed_from_the_oldest_on(store: CorpusStore) -> None:
    made = [store.add([text])[0] for text in (b"one", b"two", b"three")]
    for corpus, created in zip(made, ("3", "1", "2"), strict=True):
        path = store.folder(corpus) / "corpus.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), "created": created}))
    assert [corpus.id for corpus in store.list()] == [made[1].id, made[2].id, made[0].id]


def test_a_large_text_is_not_held_in_memory(new_store: NewStore) -> None:
    store = new_store()
    block = os.urandom(1 << 15).hex().encode()
    tracemalloc.start()
    corpus, _ = store.add(block for _ in range(400))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert corpus.bytes == 400 * len(block)
    assert peak < 16 << 20, "26 MB of text, of which a few pieces of 1 MB at a time are in memory"


@given(
    text=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\ufeff"), min_size=1),
    size=st.integers(1, 9),
)
def test_any_text_comes_back_as_it_was(tmp_path_factory: pytest.TempPathFactory, text: str, size: int) -> None:
    store = CorpusStore(tmp_path_factory.mktemp("corpora"))
    corpus, _ = store.add(in_pieces(text.encode(), size), conversion=Conversion("utf-8", "keep"))
    assert store.path(corpus).read_bytes().decode() == text
    assert (corpus.characters, corpus.vocabulary_size) == (len(text), len(set(text)))
    assert store.characters(corpus) == "".join(sorted(set(text)))


def test_a_change_waits_for_another_one_as_long_as_it_may_and_then_changes_nothing(tmp_path: Path) -> None:
    store = CorpusStore(tmp_path)
    corpus, _ = store.add([b"abc"], "abc")
    store.patience = 0.05
    with locks.locked(store.root / LOCK):
        with pytest.raises(locks.HeldError):
            store.add([b"def"], "def")
        with pytest.raises(locks.HeldError):
            store.delete(corpus.id)
    assert left_behind(store) == [corpus.id]
