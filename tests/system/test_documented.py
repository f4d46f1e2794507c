"""Every example of the document is sent to a running service, an admin's too, and gets the reply that is documented."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import TypeAdapter

from service.api.schemas import cells as cell_schemas
from service.api.schemas import replies
from tests.system.running import Service

pytestmark = pytest.mark.system

CORPUS = b"ROMEO:\nBut soft! What light through yonder window breaks?\n\n" * 50
IN_PATHS = {"{name}": "copy", "{version}": "1", "{alias}": "current"}


def test_every_documented_example(asked: Service, admin_key: str) -> None:
    corpus = json.loads(send(asked, "/corpora?name=examples", CORPUS, admin_key, "text/plain"))["id"]
    weights = send(asked, "/models/shakespeare/versions/1/weights", None, admin_key, method="GET")
    send(asked, "/models/copy/versions", weights, admin_key, "application/octet-stream")
    ran = set()
    for path, operation, name, body in examples(asked.request("/openapi.json")):
        ran.add(path)
        if "corpus" in body:
            assert len(body["corpus"]) == len(corpus)
            body["corpus"] = corpus
        answer = send(asked, filled(path), json.dumps(body).encode(), admin_key, method=operation["method"])
        check(answer, operation, streamed=bool(body.get("stream")), about=f"{path}: {name}")
        if path == "/jobs":
            send(asked, f"/jobs/{json.loads(answer)['id']}/cancel", b"", admin_key)
    assert ran >= {"/generate", "/v1/completions", "/trace", "/score", "/tokenize", "/detokenize", "/jobs"}


def filled(path: str) -> str:
    for placeholder, value in IN_PATHS.items():
        path = path.replace(placeholder, value)
    return path


def examples(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            assert not content or content["examples"], f"{path} takes JSON and shows none"
            for name, example in content.get("examples", {}).items():
                yield path, operation | {"method": method.upper()}, name, example["value"]


def send(
    service: Service,
    path: str,
    data: bytes | None,
    key: str,
    content_type: str = "application/json",
    method: str = "POST",
) -> bytes:
    headers = {"Content-Type": content_type, "Authorization": f"Bearer {key}"}
    request = urllib.request.Request(f"http://127.0.0.1:{service.port}{path}", data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as reply:
            answer: bytes = reply.read()
    except urllib.error.HTTPError as error:
        pytest.fail(f"{method} {path}: {error.code} {error.read().decode()}")
    return answer


def check(answer: bytes, operation: dict[str, Any], *, streamed: bool, about: str) -> None:
    (content,) = (each["content"] for status, each in operation["responses"].items() if status.startswith("2"))
    if not streamed:
        TypeAdapter(model(content["application/json"]["schema"])).validate_json(answer, strict=True)
        return
    shapes = content["text/event-stream"]["schema"]["properties"]["data"]["anyOf"][1]["contentSchema"]["anyOf"]
    *events, done, _ = answer.decode().split("\n\n")
    assert (done, bool(events)) == ("data: [DONE]", True), about
    for event in events:
        adapter: TypeAdapter[Any] = TypeAdapter(union(shapes))
        found = adapter.validate_json(event.removeprefix("data: "), strict=True)
        assert not isinstance(found, replies.ErrorReply), about


def union(shapes: list[dict[str, str]]) -> Any:
    first, *rest = (model(shape) for shape in shapes)
    found: Any = first
    for each in rest:
        found = found | each
    return found


def model(schema: dict[str, str]) -> type[Any]:
    name = schema["$ref"].rpartition("/")[2]
    found: type[Any] = getattr(replies, name, None) or getattr(cell_schemas, name)
    return found
