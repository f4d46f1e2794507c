from __future__ import annotations

import base64
from pathlib import Path

import pytest

from service.training.corpora.conversion import Conversion
from service.training.corpora.store import CorpusStore
from service.training.errors import (
    BinaryCorpusError,
    DeclaredEncodingError,
    EncodingError,
    UnclearEncodingError,
    UnknownEncodingError,
)
from tests.languages import LANGUAGES
from tests.texts import FOX

JAPANESE = LANGUAGES["Japanese"][1]
CHINESE = LANGUAGES["Chinese, simplified"][1]
KOREAN = LANGUAGES["Korean"][1]
RUSSIAN = LANGUAGES["Russian"][1]
GERMAN = LANGUAGES["German"][1]
HINDI = "यह एक छोटा सा गाँव है जहाँ नदी धीरे बहती है।\n"
GEORGIAN = "მდინარის პირას პატარა სოფელია, სადაც ზამთარი გრძელია.\n"
TAMIL = "ஆற்றின் கரையில் ஒரு சிறிய கிராமம் உள்ளது.\n"


@pytest.fixture
def store(tmp_path: Path) -> CorpusStore:
    return CorpusStore(tmp_path)


def read(store: CorpusStore, data: bytes, encoding: str | None = None) -> tuple[str, str]:
    """The encoding that a text is found to be in, and the text."""
    corpus, _ = store.add([data], conversion=Conversion(encoding))
    return corpus.encoding, store.path(corpus).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (JAPANESE, "iso2022_jp"),
        (FOX + JAPANESE + FOX, "iso2022_jp"),
        (CHINESE, "hz"),
        (FOX + CHINESE, "hz"),
        (KOREAN, "iso2022_kr"),
        (RUSSIAN, "utf_7"),
        (GERMAN, "utf_7"),
        (JAPANESE, "utf_7"),
        (FOX + GERMAN, "utf_7"),
        (HINDI, "utf_7"),
        (FOX + "ईमेल:\n", "utf_7"),
        (FOX + TAMIL, "utf_7"),
        (GEORGIAN, "utf_7"),
    ],
)
def test_what_hides_in_ascii_is_found(store: CorpusStore, text: str, encoding: str) -> None:
    assert read(store, text.encode(encoding)) == (encoding, text)


@pytest.mark.parametrize(
    "text",
    [
        FOX,
        "\x1b[31merror\x1b[0m: \x1b[1;32mdone\x1b[m\x1b(B\n" * 20,
        "cd ~/src && ls ~user; x = ~{a}; y = ~~b; f(~{1}, ~{2})\n" * 20,
        "C++ and a+b, 1+1=2, i++; +1-555-0100 x+y-z u+0041 --> +- a+-b ++\n" * 20,
        "url?q=one+two+three&t=abc+DEF+ghi-jkl\n" * 20,
        base64.b64encode(bytes(range(256)) * 20).decode() + "\n",
        "price $B and $A(1); ESC $ here\n" * 20,
        "diff --git a/x b/x\n+++ b/x\n+added line\n-removed line\n+another-one\n" * 20,
    ],
)
def test_plain_ascii_stays_as_it_is(store: CorpusStore, text: str) -> None:
    assert read(store, text.encode()) == ("utf-8", text)


def test_broken_escapes_are_asked_back(store: CorpusStore) -> None:
    with pytest.raises(UnclearEncodingError) as caught:
        store.add([FOX.encode() + JAPANESE.encode("iso2022_jp") + b"\x1b$B!\n"])
    assert [encoding for encoding, _ in caught.value.guesses] == ["iso2022_jp", "utf-8"]
    assert read(store, b"\x1b$B!\n" * 20, "utf-8") == ("utf-8", "\x1b$B!\n" * 20)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize(
    "text",
    [
        FOX,
        RUSSIAN,
        CHINESE,
        JAPANESE,
        KOREAN,
        HINDI,
        GEORGIAN,
        TAMIL,
        FOX + HINDI,
        "one line of nothing but ASCII",
        "日本語\n" * 9,
    ],
)
def test_wide_characters_are_detected_without_a_mark(store: CorpusStore, text: str, encoding: str) -> None:
    assert read(store, text.encode(encoding)) == (encoding, text)


@pytest.mark.parametrize(
    "data",
    [
        bytes(range(256)) * 100,
        b"\x7fELF\x02\x01\x01" + b"\0" * 300,
        b"PK\x03\x04\x14\0" * 50,
        b"GIF89a\x01\0\x01\0\x80\0" * 9,
    ],
)
def test_what_is_no_text_in_any_encoding_is_refused(store: CorpusStore, data: bytes) -> None:
    with pytest.raises((BinaryCorpusError, EncodingError)):
        store.add([data])


def test_the_rare_sign_at_the_end_decides(store: CorpusStore) -> None:
    """Of a long text the encodings of Western Europe differ in one sign, and it is not in the sample."""
    text = GERMAN * 2000
    assert read(store, (text + "„Preis“: 5 €\n" * 9).encode("cp1252"))[1].endswith("„Preis“: 5 €\n")
    with pytest.raises(UnclearEncodingError) as caught:
        store.add([(text + "5 €\n").encode("iso8859_15")])
    assert caught.value.guesses[0][1] != caught.value.guesses[1][1]


def test_signs_that_variants_of_an_encoding_read_differently_are_asked_back(store: CorpusStore) -> None:
    text = JAPANESE * 30 + "五時〜七時\n"
    with pytest.raises(UnclearEncodingError, match="cp932") as caught:
        store.add([text.encode("shift_jis")])
    assert {encoding for encoding, _ in caught.value.guesses} == {"cp932", "shift_jis"}
    assert read(store, text.encode("shift_jis"), "shift_jis") == ("shift_jis", text)


def test_a_letter_may_be_a_word(store: CorpusStore) -> None:
    """Half of the letters beyond ASCII in Italian stand alone; they are no signs of another encoding for that."""
    text = "La casa è vicina al mare e la porta è aperta.\nIl cane è più vecchio.\nLa città è là, e così sia.\n" * 20
    assert read(store, text.encode("iso8859_1")) == ("cp1252", text)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("Ñandu.\nÑabardura ausaz.\nÑabardura (LCHab)\nHau ñabardura da.\n", "mac_roman"),  # „andu, „abardura
        ("%d × %d pixels\n" * 9, "cp850"),  # noqa: RUF001
        ("Rotate left by 15°\n" * 9, "iso8859_1"),
    ],
)
def test_a_few_signs_tell_nothing(store: CorpusStore, text: str, written: str) -> None:
    try:
        assert read(store, text.encode(written))[1] == text
    except UnclearEncodingError as error:
        assert len(error.guesses) == 2


def test_damaged_utf8_is_no_other_encoding(store: CorpusStore) -> None:
    data = RUSSIAN.encode() * 50
    with pytest.raises(EncodingError, match="the rest is UTF-8"):
        store.add([data[:5000] + b"\xff" + data[5000:]])


@pytest.mark.parametrize(
    "name", ["rot13", "base64", "hex", "zlib", "idna", "punycode", "unicode_escape", "x\0", "", "ä"]
)
def test_what_encodes_no_text_cannot_be_declared(store: CorpusStore, name: str) -> None:
    with pytest.raises(UnknownEncodingError, match="encoding must be"):
        read(store, b"hello", name)


@pytest.mark.parametrize(
    ("text", "written", "declared"),
    [
        (RUSSIAN, "cp1251", "windows-1251"),
        (RUSSIAN, "utf-8-sig", "UTF8"),
        (RUSSIAN, "utf-16", "utf-16"),
        (RUSSIAN, "utf-16-be", "UTF-16BE"),
        (RUSSIAN, "utf-16-le", "utf-16"),
        (RUSSIAN, "utf-16-be", "utf-16"),
        (RUSSIAN, "utf-32-le", "utf-32"),
        (RUSSIAN, "utf-32-be", "utf-32"),
        (GERMAN, "cp037", "ibm037"),
        (JAPANESE, "iso2022_jp", "ISO-2022-JP"),
        (RUSSIAN, "utf_7", "utf-7"),
    ],
)
def test_a_declaration_wins(store: CorpusStore, text: str, written: str, declared: str) -> None:
    assert read(store, text.encode(written), declared)[1] == text


def test_what_was_declared_is_believed_against_appearances(store: CorpusStore) -> None:
    assert read(store, "Ã©".encode(), "cp1252") == ("cp1252", "Ã\u0192Â©")
    assert read(store, JAPANESE.encode("iso2022_jp"), "utf-8")[0] == "utf-8"


@pytest.mark.parametrize(
    ("data", "declared", "position"),
    [
        (b"one\ntwo \xff\n", "utf-8", 8),
        (b"one\ntwo \x81\n", "cp1252", 8),
        (RUSSIAN.encode("utf-16"), "cp1251", 0),
        (RUSSIAN.encode("utf-8-sig"), "koi8-r", 0),
        (b"abc", "utf-16-le", 2),
        (b"plain bytes", "utf-16", 0),
        (b"plain bytes", "utf-32", 0),
    ],
)
def test_a_declaration_that_does_not_fit_says_where(
    store: CorpusStore, data: bytes, declared: str, position: int
) -> None:
    with pytest.raises(DeclaredEncodingError, match="declared as") as caught:
        read(store, data, declared)
    assert caught.value.position == position
