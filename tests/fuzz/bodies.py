"""JSON bodies of every route in the document, wrong in one place or in many: each is answered by the contract, and what
is refused names a field."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from random import Random
from typing import Any, Final

from tests.fuzz.cases import Case
from tests.fuzz.mutating import ODD_TEXTS, changed_bytes, changed_json, odd_value
from tests.fuzz.serving import KEY, Reply, Served, served

BUSY: Final = 503
TEXTS: Final = (
    b"",
    b" ",
    b"null",
    b"[]",
    b'"a"',
    b"1e999999",
    b"-0",
    b"NaN",
    b"{}{}",
    b"{" * 100_000,
    b"[" * 100_000 + b"]" * 100_000,
    b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    b"\xef\xbb\xbf{}",
    b"\xff\xfe{\0}\0",
    b'{"\\ud800": 1}',
    b"9" * 100_000,
)


def _operations(document: Any) -> list[tuple[str, str, list[dict[str, Any]], dict[str, Any]]]:
    """Path, method, examples and properties of each operation that takes JSON."""
    found = []
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            content = operation.get("requestBody", {}).get("content", {}).get("application/json")
            if content is not None:
                examples = [each["value"] for each in content.get("examples", {}).values()] or [{}]
                schema = content["schema"]
                schema = document["components"]["schemas"].get(schema.get("$ref", "").rpartition("/")[2], schema)
                found.append((method.upper(), path, examples, schema.get("properties", {})))
    return found


def _body(random: Random, examples: list[dict[str, Any]], properties: dict[str, Any]) -> bytes:
    body: Any = dict(random.choice(examples))
    for _ in range(random.choice((1, 1, 1, 2, 4))):
        kind = random.randrange(4)
        if kind == 0 and properties:
            body = {**body, random.choice(sorted(properties)): odd_value(random)} if isinstance(body, dict) else body
        elif kind == 1 and isinstance(body, dict):
            body[random.choice(ODD_TEXTS)] = odd_value(random)
        else:
            body = changed_json(random, body) if body else odd_value(random)
    text = json.dumps(body).encode()
    kind = random.randrange(12)
    if kind == 0:
        return changed_bytes(random, text)
    if kind == 1:
        return random.choice(TEXTS)
    if kind == 2 and text[:1] == b"{" and properties:  # a key twice
        name = json.dumps(random.choice(sorted(properties))).encode()
        return text[:-1] + b", " * (len(text) > 2) + name + b": 1, " + name + b": " + random.choice(TEXTS[:12]) + b"}"
    if kind == 3:
        huge = random.choice((b"1e400", b"-1e400", b"1" * 5000, b"[" * 3000 + b"]" * 3000, b'"\\ud800"', b'"\\u0000"'))
        name = json.dumps(random.choice(sorted(properties))).encode() if properties else b'"a"'
        return b"{" + name + b": " + huge + b"}"
    return text


def _case(serving: Served, random: Random) -> str:
    method, path, examples, properties = random.choice(_operations(serving.document))
    mine = {name: value for name, value in serving.known.items() if name in properties}
    body = _body(random, [{**example, **mine} for example in examples], properties)
    kind = random.choice(("application/json",) * 60 + ("text/plain", "application/json; charset=utf-16", "", "a/b;;"))
    head = f"{method} {serving.filled(path)} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
    head += f"Authorization: Bearer {KEY}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    return _checked(
        serving.send(head.encode() + body, ends=False), properties, f"{method} {path} {kind} {body[:300]!r}"
    )


def _checked(reply: Reply, properties: dict[str, Any], what: str) -> str:
    assert 200 <= reply.status < 300 or 400 <= reply.status < 500 or reply.status == BUSY, f"{reply.status} for {what}"
    if reply.status in (400, 422):
        error = reply.error
        names = {"body", *properties}  # of two fields that do not go together, the message names both
        named = error["param"] is not None or names & set(re.findall(r"\w+", error["message"]))
        assert named, f"{reply.status} names no field: {error} for {what}"
    elif reply.status > 400:
        assert reply.error["message"]
    return str(reply.status)


@contextmanager
def answered() -> Iterator[Case]:
    """Each body gets an answer of the contract."""
    with served() as serving:
        yield partial(_case, serving)
