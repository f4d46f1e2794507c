from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

TEXT = "To be, or not to be: that is the question.\n" * 30


def upload(client: FlaskClient, data: bytes, admin: dict[str, str], query: str = "") -> Any:
    return client.post(f"/corpora{query}", data=data, content_type="text/plain", headers=admin)


def left_over(folder: Path) -> list[str]:
    return [str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file() and p.name != ".lock"]


def test_a_raw_body(client: FlaskClient, admin: dict[str, str]) -> None:
    reply = upload(client, TEXT.encode(), admin, "?name=hamlet")
    assert reply.status_code == 201
    body = reply.json
    assert (body["name"], body["bytes"], body["characters"], body["lines"]) == ("hamlet", 1290, 1290, 30)
    assert body["vocabulary_size"] == len(set(TEXT))
    assert len(body["sha256"]) == 64
    assert client.get(f"/corpora/{body['id']}", headers=admin).json == body
    assert client.get("/corpora", headers=admin).json["corpora"] == [body]  # type: ignore[index]


def test_a_form(client: FlaskClient, admin: dict[str, str]) -> None:
    form = {"file": (io.BytesIO(TEXT.encode()), "hamlet.txt")}
    reply = client.post("/corpora", data=form, headers=admin)
    assert (reply.status_code, reply.json["name"]) == (201, "hamlet.txt")  # type: ignore[index]
    named = {"file": (io.BytesIO(b"other" + TEXT.encode()), "hamlet.txt"), "name": "mine"}
    assert client.post("/corpora", data=named, headers=admin).json["name"] == "mine"  # type: ignore[index]


def test_a_form_may_have_a_long_file_wherever_its_lines_end(
    new_client: Callable[..., FlaskClient], admin: dict[str, str]
) -> None:
    client = new_client(max_corpus_bytes=1_000_000)
    for width in (1, 30, 200):
        text = ("x" * width + "\n") * (400_000 // (width + 1))
        reply = client.post("/corpora", data={"file": (io.BytesIO(text.encode()), "x")}, headers=admin)
        assert (reply.status_code, reply.json["characters"]) == (201, len(text))  # type: ignore[index]


def test_the_same_content_again_is_the_same_corpus(client: FlaskClient, admin: dict[str, str]) -> None:
    first = upload(client, TEXT.encode(), admin)
    again = client.post("/corpora", data={"file": (io.BytesIO(TEXT.encode()), "x")}, headers=admin)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json["id"] == again.json["id"]  # type: ignore[index]


def test_with_a_model_a_job_starts(client: FlaskClient, admin: dict[str, str], queue: Any) -> None:
    reply = upload(client, TEXT.encode(), admin, "?model=hamlet")
    assert reply.status_code == 201
    job = reply.json["job"]
    assert (job["status"], job["model"], job["corpus"]) == ("queued", "hamlet", reply.json["id"])
    assert queue.submitted == [job["id"]]
    form = {"file": (io.BytesIO(TEXT.encode()), "x"), "model": "hamlet"}
    assert client.post("/corpora", data=form, headers=admin).json["job"]["id"] != job["id"]  # type: ignore[index]
    form = {"file": (io.BytesIO(TEXT.encode()), "x")}
    assert client.post("/corpora?model=hamlet", data=form, headers=admin).json["job"]["model"] == "hamlet"  # type: ignore[index]


def test_a_bad_model_name_is_refused_before_anything_is_kept(
    client: FlaskClient, admin: dict[str, str], settings: Any
) -> None:
    assert upload(client, TEXT.encode(), admin, "?model=../x").status_code == 422
    form = {"file": (io.BytesIO(TEXT.encode()), "x"), "model": "a/b"}
    assert client.post("/corpora", data=form, headers=admin).status_code == 422
    assert left_over(settings.data_dir / "corpora") == []


@pytest.mark.parametrize(
    ("data", "status", "code", "says"),
    [
        (b"", 422, "empty_corpus", ""),
        (b"\x00\x01\x02" * 500, 422, "binary_corpus", ""),
        (b"plain text " * 50 + b"\xff\xfe\xfd\x81 " + b"more " * 50, 422, None, "550"),
        (b"x" * 100_001, 413, "too_large", "100000"),
        (b"x" * 300_000, 413, "too_large", "100000"),
    ],
)
def test_what_is_no_corpus(
    client: FlaskClient, admin: dict[str, str], settings: Any, data: bytes, status: int, code: str | None, says: str
) -> None:
    as_form = {"file": (io.BytesIO(data), "x")}
    replies: list[Any] = [upload(client, data, admin), client.post("/corpora", data=as_form, headers=admin)]
    for reply in replies:
        assert reply.status_code == status, reply.text
        assert code in (None, reply.json["error"]["code"])
        assert reply.json["error"]["param"] == "file"
        assert says in reply.json["error"]["message"]
    assert left_over(settings.data_dir / "corpora") == []


def test_a_form_without_a_file(client: FlaskClient, admin: dict[str, str]) -> None:
    reply = client.post("/corpora", data={"name": "x"}, content_type="multipart/form-data", headers=admin)
    assert (reply.status_code, reply.json["error"]["param"]) == (422, "file")  # type: ignore[index]


def test_another_content_type(client: FlaskClient, admin: dict[str, str]) -> None:
    assert client.post("/corpora", json={"file": "x"}, headers=admin).status_code == 415


def test_delete(client: FlaskClient, admin: dict[str, str]) -> None:
    corpus: Any = upload(client, TEXT.encode(), admin, "?model=hamlet").json
    assert client.delete(f"/corpora/{corpus['id']}", headers=admin).status_code == 409
    client.post(f"/jobs/{corpus['job']['id']}/cancel", headers=admin)
    assert client.delete(f"/corpora/{corpus['id']}", headers=admin).status_code == 204
    assert client.get(f"/corpora/{corpus['id']}", headers=admin).status_code == 404


@pytest.mark.parametrize("corpus", ["0123456789abcdef", "..", "x" * 300])
def test_a_corpus_that_is_not_there(client: FlaskClient, admin: dict[str, str], corpus: str) -> None:
    assert client.get(f"/corpora/{corpus}", headers=admin).status_code == 404


class BrokenOff(io.RawIOBase):
    """A body that breaks off as gunicorn's do: with an exception of the server's own."""

    def __init__(self, data: bytes) -> None:
        self._data = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = self._data.readinto(buffer)
        if not count:
            raise RuntimeError("no more data")
        return count


@pytest.mark.parametrize("declared", [True, False])
@pytest.mark.parametrize("content_type", ["text/plain", "multipart/form-data; boundary=x"])
def test_an_upload_that_breaks_off_leaves_nothing(
    client: FlaskClient, admin: dict[str, str], settings: Any, declared: bool, content_type: str
) -> None:
    head = (
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n' if "x" in content_type[-1] else b""
    )
    body = head + TEXT.encode()
    environ = {
        "wsgi.input": io.BytesIO(body) if declared else io.BufferedReader(BrokenOff(body)),
        "wsgi.input_terminated": not declared,
        "CONTENT_LENGTH": str(len(body) + 500) if declared else "",
    }
    reply = client.post("/corpora", content_type=content_type, headers=admin, environ_overrides=environ)
    assert reply.status_code == 400, reply.text
    assert left_over(settings.data_dir / "corpora") == []


def previewed(client: FlaskClient, data: bytes, admin: dict[str, str], **fields: Any) -> Any:
    return client.post("/corpora/preview", data=data, query_string=fields, content_type="text/plain", headers=admin)


def test_the_first_records_are_shown_and_nothing_is_kept(
    client: FlaskClient, admin: dict[str, str], settings: Any
) -> None:
    data = "Name;Country\nZoë;NL\nÅsa;SE\nPim;NL\nLiv;SE\n".encode("cp1252")
    reply = previewed(client, data, admin, task="classify", encoding="cp1252")
    assert reply.status_code == 200
    assert reply.json == {
        "encoding": "cp1252",
        "task": "classify",
        "unit": "line",
        "separator": "\n",
        "format": "csv",
        "fields": {"text": "Name", "label": "Country"},
        "columns": ["Name", "Country"],
        "records": [
            {"line": 2, "text": "Zoë", "label": "NL", "tags": None, "target": None},
            {"line": 3, "text": "Åsa", "label": "SE", "tags": None, "target": None},
            {"line": 4, "text": "Pim", "label": "NL", "tags": None, "target": None},
            {"line": 5, "text": "Liv", "label": "SE", "tags": None, "target": None},
        ],
        "count": 4,
        "labels": {"NL": 2, "SE": 2},
        "label_count": 2,
        "faults": [],
        "fault_count": 0,
        "whole": True,
    }
    assert left_over(settings.data_dir / "corpora") == []


def test_a_preview_may_be_asked_for_in_a_form(client: FlaskClient, admin: dict[str, str]) -> None:
    file = io.BytesIO(b'{"source": "3 May", "iso": "05-03"}\n')
    form = {"file": (file, "x"), "task": "transduce", "fields": '{"text": "source", "target": "iso"}'}
    reply = client.post("/corpora/preview", data=form, headers=admin)
    assert reply.status_code == 200
    assert reply.json["records"][0]["target"] == "05-03"  # type: ignore[index]


@pytest.mark.parametrize(
    ("fields", "param", "says"),
    [
        ({"task": "sort"}, "task", "task must be generate, classify, tag or transduce, not 'sort'"),
        ({"unit": "word"}, "unit", "unit must be one of text, line, paragraph, separator, not 'word'"),
        ({"unit": "text", "task": "tag"}, "unit", "unit must be line, paragraph or separator for task tag, not 'text'"),
        ({"separator": ""}, "separator", "separator must be a text of 1 to 100 characters"),
        ({"format": "xls"}, "format", "format must be one of plain, jsonl, csv, tsv, not 'xls'"),
        ({"format": "plain", "task": "classify"}, "format", "format must be jsonl, csv or tsv for task classify"),
        ({"fields": "text"}, "fields", "fields must be a JSON object like"),
        ({"fields": "[]"}, "fields", "fields must be a JSON object like"),
        ({"fields": '{"txt": "a"}'}, "fields", "fields must name text, label, tags or target, not 'txt'"),
        ({"fields": '{"label": 7}'}, "fields.label", "fields.label must be a name of 1 to 200 characters, not 7"),
        ({"skip_bad_rows": "2"}, "skip_bad_rows", "skip_bad_rows must be a number from 0 to 1, not 2.0"),
        ({"skip_bad_rows": "few"}, "skip_bad_rows", "skip_bad_rows must be a number from 0 to 1, not 'few'"),
        ({"skip_bad_rows": "nan"}, "skip_bad_rows", "skip_bad_rows must be a number from 0 to 1, not nan"),
        ({"model": "x"}, "model", ""),
    ],
)
def test_a_preview_of_what_there_is_not(
    client: FlaskClient, admin: dict[str, str], fields: dict[str, str], param: str, says: str
) -> None:
    reply = previewed(client, b"text,label\na,b\n", admin, **fields)
    assert (reply.status_code, reply.json["error"]["param"]) == (422, param)
    assert reply.json["error"]["message"].startswith(says)


def test_a_corpus_is_previewed_as_its_file_was(client: FlaskClient, admin: dict[str, str]) -> None:
    data = "Name;Country\nZoë;NL\nÅsa;SE\n".encode("cp1252")
    sent = client.post("/corpora?encoding=cp1252", data=data, content_type="text/plain", headers=admin)
    path = f"/corpora/{sent.json['id']}/preview"  # type: ignore[index]
    reply = client.get(f"{path}?task=classify", headers=admin)
    before = previewed(client, data, admin, task="classify", encoding="cp1252").json
    assert (reply.status_code, reply.json) == (200, {**before, "encoding": "utf-8"})
    assert client.get(f"{path}?encoding=utf-8", headers=admin).status_code == 422
    assert client.get("/corpora/0123456789abcdef/preview", headers=admin).status_code == 404
    assert client.get(path).status_code == 401


def test_a_preview_takes_the_beginning_of_a_file(client: FlaskClient, admin: dict[str, str]) -> None:
    data = b"one line\n" * (1 << 15)
    reply = previewed(client, data[: 1 << 18], admin, unit="line")
    assert (reply.status_code, reply.json["whole"], len(reply.json["records"])) == (200, False, 20)
    assert previewed(client, data, admin, unit="line").status_code == 413
    assert previewed(client, data, {}, unit="line").status_code == 401
    assert previewed(client, b"", admin).json["error"]["code"] == "empty_corpus"


@pytest.mark.parametrize("delay", ["-1", "65", "1.5", "few"])
def test_an_upload_with_a_delay_out_of_bounds(client: FlaskClient, admin: dict[str, str], delay: str) -> None:
    query = {"model": "tagger", "task": "tag", "delay": delay}
    reply: Any = client.post("/corpora", query_string=query, data=b"x", content_type="text/plain", headers=admin)
    assert (reply.status_code, reply.json["error"]["param"]) == (422, "delay")
    assert reply.json["error"]["message"].startswith("delay must be an integer from 0 to 64, not ")
