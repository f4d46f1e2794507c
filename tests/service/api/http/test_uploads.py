"""What may come with an uploaded file, and how it is refused by name; the routes are those of the service."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

TEXT = "To be, or not to be: that is the question.\n" * 30
GREEK = "Στην αρχή ήταν ο λόγος, και ο άνθρωπος ρώτησε τη θάλασσα αν θυμάται τα πλοία.\n" * 10  # noqa: RUF001
CRLF = "\r\n"

Send = Callable[..., Any]


def part(name: str, value: str | bytes, file_name: str | bytes | None = None, content_type: str = "") -> bytes:
    """A part of a form, byte for byte."""
    head = f'Content-Disposition: form-data; name="{name}"'.encode()
    if file_name is not None:
        raw = file_name if isinstance(file_name, bytes) else file_name.encode()
        head += b'; filename="' + raw + b'"'
    head += f"{CRLF}Content-Type: {content_type}".encode() if content_type else b""
    return b"--x" + CRLF.encode() + head + 2 * CRLF.encode() + (value if isinstance(value, bytes) else value.encode())


@pytest.fixture
def send(client: FlaskClient, admin: dict[str, str]) -> Send:
    """Posts a form of these parts."""

    def send(*parts: bytes, path: str = "/corpora", content_type: str = "multipart/form-data; boundary=x") -> Any:
        body = b"".join(each + CRLF.encode() for each in parts) + b"--x--" + CRLF.encode()
        return client.post(path, data=body, content_type=content_type, headers=admin)

    return send


@pytest.fixture
def send_raw(client: FlaskClient, admin: dict[str, str]) -> Send:
    """Posts a raw text."""

    def send(data: bytes, query: str = "", content_type: str = "text/plain") -> Any:
        return client.post(f"/corpora{query}", data=data, content_type=content_type, headers=admin)

    return send


def fault(reply: Any) -> tuple[int, str, str | None]:
    assert reply.json is not None, reply.text
    error = reply.json["error"]
    return reply.status_code, error["code"], error["param"]


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([part("file", TEXT, "a.txt"), part("file", "other", "b.txt")], (422, "repeated_field", "file")),
        ([part("file", TEXT, "a.txt"), part("second", "other", "b.txt")], (422, "unknown_field", "second")),
        ([part("modle", "plays"), part("file", TEXT, "a.txt")], (422, "unknown_field", "modle")),
        ([part("file", TEXT, "a.txt"), part("Model", "plays")], (422, "unknown_field", "Model")),
        ([part("name", "a"), part("name", "b"), part("file", TEXT, "a.txt")], (422, "repeated_field", "name")),
        ([part("name", "a", "a.txt"), part("file", TEXT, "a.txt")], (422, "invalid_value", "name")),
        ([part("name", "a" * 5000), part("file", TEXT, "a.txt")], (422, "invalid_value", "name")),
        ([part("name", "a")], (422, "missing_field", "file")),
        ([part("file", TEXT, "a.txt"), part("newlines", "crlf")], (422, "invalid_value", "newlines")),
        ([part("file", TEXT, "a.txt"), part("encoding", "rot13")], (422, "unknown_encoding", "encoding")),
    ],
)
def test_a_form_is_refused_by_the_name_of_what_is_wrong(
    send: Send, parts: list[bytes], expected: tuple[int, str, str]
) -> None:
    assert fault(send(*parts)) == expected
    assert send(part("file", TEXT, "a.txt")).status_code == 201, "nothing was kept"


def test_the_fields_that_there_are_are_listed(send: Send, send_raw: Send) -> None:
    message = send(part("modle", "plays"), part("file", TEXT, "a.txt")).json["error"]["message"]
    assert message.startswith(
        "'modle' is not a field of this request, whose fields are: delay, encoding, fields, file,"
    )
    assert (
        "encoding, fields, format, model, name, newlines"
        in send_raw(TEXT.encode(), "?modle=x").json["error"]["message"]
    )


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?modle=plays", (422, "unknown_field", "modle")),
        ("?model=a&model=b", (422, "repeated_field", "model")),
        ("?newlines=crlf", (422, "invalid_value", "newlines")),
        ("?encoding=klingon", (422, "unknown_encoding", "encoding")),
    ],
)
def test_parameters_are_refused_likewise(
    send: Send, send_raw: Send, query: str, expected: tuple[int, str, str]
) -> None:
    assert fault(send_raw(TEXT.encode(), query)) == expected
    assert fault(send(part("file", TEXT, "a.txt"), path=f"/corpora{query}")) == expected


def test_a_field_and_a_parameter_may_agree_only(send: Send) -> None:
    parts = part("name", "a"), part("file", TEXT, "a.txt")
    assert fault(send(*parts, path="/corpora?name=b")) == (422, "conflicting_fields", "name")
    assert send(*parts, path="/corpora?name=a").json["name"] == "a"


@pytest.mark.parametrize(
    ("parts", "query", "expected"),
    [
        ([part("modle", "x"), part("file", b"x", "a")], "", (422, "unknown_field", "modle")),
        ([part("file", b"x", "a"), part("file", b"y", "b")], "", (422, "repeated_field", "file")),
        ([part("file", b"x", "a")], "?promot=never", (422, "unknown_field", "promot")),
        ([part("promote", "perhaps"), part("file", b"x", "a")], "", (422, "invalid_value", "promote")),
        ([part("file", b"x", "a"), part("name", "x")], "", (422, "unknown_field", "name")),
    ],
)
def test_checkpoints_are_taken_as_strictly(
    send: Send, parts: list[bytes], query: str, expected: tuple[int, str, str]
) -> None:
    assert fault(send(*parts, path=f"/models/m/versions{query}")) == expected


@pytest.mark.parametrize(
    ("content_type", "says"),
    [
        ("multipart/form-data", "needs a boundary"),
        ("multipart/form-data; boundary=", "needs a boundary"),
        ("multipart/form-data; boundary=another", "'another', is not in the body"),
    ],
)
@pytest.mark.parametrize("size", [1, 100_000])
def test_a_form_without_its_boundary_is_refused(send: Send, content_type: str, says: str, size: int) -> None:
    reply = send(part("file", "x" * size, "a.txt"), content_type=content_type)
    assert fault(reply) == (400, "invalid_form", "Content-Type")
    assert says in reply.json["error"]["message"]


@pytest.mark.parametrize("body", [b"--y\r\n\r\n--y--", b"plain text", b"--x\r\nno header\r\n\r\nfile\r\n--x--\r\n"])
def test_an_invalid_form_is_refused(client: FlaskClient, admin: dict[str, str], body: bytes) -> None:
    reply = client.post("/corpora", data=body, content_type="multipart/form-data; boundary=x", headers=admin)
    assert fault(reply)[:2] == (400, "invalid_form")


def test_a_form_that_breaks_off_is_incomplete(client: FlaskClient, admin: dict[str, str]) -> None:
    body = part("file", TEXT, "a.txt")
    reply = client.post("/corpora", data=body, content_type="multipart/form-data; boundary=x", headers=admin)
    assert fault(reply)[:2] == (400, "incomplete_body")


@pytest.mark.parametrize(
    ("file_name", "name"),
    [
        ("\u200eplays\u200e.txt", "plays.txt"),
        ("a\u200db.txt", "ab.txt"),
        ("my\u00a0plays.txt", "my plays.txt"),
        ("my\tplays.txt", "my plays.txt"),
        ("p" * 246 + ".txt", "p" * 200),
        (b"Caf\xe9 \xff.txt", "Caf\ufffd \ufffd.txt"),
        ("пьесы 戏剧.txt", "пьесы 戏剧.txt"),
    ],
)
def test_a_file_name_is_cleaned(send: Send, send_raw: Send, file_name: str | bytes, name: str) -> None:
    reply = send(part("file", TEXT, file_name))
    assert (reply.status_code, reply.json["name"]) == (201, name)


def test_a_file_name_with_nothing_to_show_leaves_the_usual_one(send: Send) -> None:
    reply = send(part("file", TEXT, "\u200e\t"))
    assert reply.json["name"] == f"corpus-{reply.json['id'][:8]}"


@pytest.mark.parametrize(
    ("content_type", "query", "field", "part_type"),
    [
        ("text/plain; charset=iso-8859-7", "", None, None),
        ('text/plain; charset="ISO_8859-7:1987"', "", None, None),
        ("text/plain", "?encoding=ISO-8859-7", None, None),
        ("text/plain; charset=greek", "?encoding=iso8859_7", None, None),
        (None, "?encoding=iso-8859-7", None, None),
        (None, "", "iso-8859-7", None),
        (None, "", None, "text/plain; charset=iso-8859-7"),
        (None, "", "greek8", "text/plain; charset=iso-8859-7"),
    ],
)
def test_a_declared_encoding_is_taken(
    send: Send, send_raw: Send, content_type: str | None, query: str, field: str | None, part_type: str | None
) -> None:
    data = GREEK.encode("iso8859_7")
    if content_type is not None:
        reply = send_raw(data, query, content_type)
    else:
        fields = [part("encoding", field)] if field else []
        reply = send(*fields, part("file", data, "a.txt", part_type or ""), path=f"/corpora{query}")
    assert (reply.status_code, reply.json["encoding"]) == (201, "iso8859_7")
    assert (reply.json["characters"], reply.json["preview"][0]) == (len(GREEK), GREEK.split("\n", maxsplit=1)[0])


@pytest.mark.parametrize(
    ("content_type", "query", "code"),
    [
        ("text/plain; charset=utf-8", "?encoding=cp1253", "conflicting_encoding"),
        ("text/plain; charset=utf-8", "", "wrong_encoding"),
        ("text/plain; charset=ascii", "", "wrong_encoding"),
        ("text/plain; charset=utf-16", "", "wrong_encoding"),
        ("text/plain; charset=klingon", "", "unknown_encoding"),
        ("text/plain", "?encoding=base64", "unknown_encoding"),
        ("text/plain", "?encoding=unicode_escape", "unknown_encoding"),
        ("text/plain", "?encoding=idna", "unknown_encoding"),
        ("text/plain", "?encoding=", "unknown_encoding"),
    ],
)
def test_a_declaration_that_cannot_be_is_an_error(send_raw: Send, content_type: str, query: str, code: str) -> None:
    assert fault(send_raw(GREEK.encode("iso8859_7") + b"\xd2", query, content_type)) == (422, code, "encoding")


def test_a_declaration_that_does_not_fit_says_where(send_raw: Send) -> None:
    reply = send_raw(b"one\ntwo caf\xe9\n", content_type="text/plain; charset=utf-8")
    assert reply.json["error"]["message"] == (
        "encoding is declared as utf-8, and the text is not utf-8: the byte 0xe9 at position 11 (line 2)"
    )


def test_an_unclear_encoding_is_asked_back_with_two_guesses(send_raw: Send) -> None:
    reply = send_raw("Menü für 5 €\n".encode("iso8859_15"))
    assert fault(reply) == (422, "unclear_encoding", "file")
    first, second = reply.json["error"]["guesses"]
    assert first["encoding"] != second["encoding"]
    assert first["line"] != second["line"]
    for guess in (first, second):
        assert guess["encoding"] in reply.json["error"]["message"]
    assert "?encoding=" in reply.json["error"]["message"]


def test_line_ends_are_reported_and_kept_on_request(send: Send, send_raw: Send) -> None:
    lines = TEXT.replace("\n", "\r\n").encode()
    reply = send_raw(lines).json
    assert (reply["newlines"], reply["line_ends"], reply["characters"]) == ("lf", "crlf", len(TEXT))
    again = send_raw(TEXT.encode())
    assert (again.status_code, again.json["id"], again.json["line_ends"]) == (200, reply["id"], "lf")
    kept = send(part("newlines", "keep"), part("file", lines, "a.txt")).json
    assert (kept["newlines"], kept["characters"]) == ("keep", len(lines))


def test_a_text_too_short_to_train_on_leaves_nothing(
    client: FlaskClient, admin: dict[str, str], send_raw: Send
) -> None:
    assert fault(send_raw(b"too short", "?model=m"))[:2] == (422, "invalid_value")
    assert client.get("/corpora", headers=admin).json["corpora"] == []  # type: ignore[index]
    kept = send_raw(b"too short").json
    assert fault(send_raw(b"too short", "?model=m"))[:2] == (422, "invalid_value")
    assert [corpus["id"] for corpus in client.get("/corpora", headers=admin).json["corpora"]] == [kept["id"]]  # type: ignore[index]


def test_a_preview_has_the_first_lines_beyond_ascii(send_raw: Send) -> None:
    text = "plain\n" * 3 + "".join(f"Zażółć gęślą jaźń {number}\nplain\n" for number in range(9))
    assert send_raw(text.encode()).json["preview"] == [f"Zażółć gęślą jaźń {number}" for number in range(5)]
    assert send_raw(b"one\r\ntwo\n").json["preview"] == ["one", "two"]
    long = send_raw(("x" * 50_000 + " ä " + "y" * 1000).encode()).json["preview"]
    assert len(long) == 1
    assert len(long[0]) == 200
    assert "ä" in long[0]


def test_a_full_form_is_read_in_pieces(send: Send) -> None:
    data = io.BytesIO()
    for number in range(20_000):
        data.write(f"{number}\r\n--xy is no boundary\r\n".encode())
    reply = send(part("file", data.getvalue()[:99_000], "a.txt"), part("newlines", "keep"))
    assert (reply.status_code, reply.json["bytes"]) == (201, 99_000)
