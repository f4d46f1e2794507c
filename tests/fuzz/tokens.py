"""What the service gave away and gets back: continuations, signed again after they were changed; entries of the cache
and states in Redis, with digests that are right; ids of events. Each is refused, or counts as missing, or goes on."""

from __future__ import annotations

import hashlib
import json
import struct
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Final

from flask.testing import FlaskClient
from itsdangerous import Signer
from itsdangerous.encoding import base64_decode, base64_encode
from werkzeug.test import TestResponse

from charrnn.config import CELLS
from charrnn.patterns.compiling import compile_pattern
from charrnn.vocabulary import Vocabulary
from model_store.promotion import publish_and_promote
from model_store.store import ModelStore
from service.bootstrap.web import build_web
from service.generation import progress
from service.generation.cache import KEY_PREFIX as ENTRIES
from service.generation.continuations.tokens import FORMAT
from service.generation.errors import EventIdError
from service.generation.prefix_states import KEY_PREFIX as STATES
from service.generation.scheduling.scheduler import Scheduler
from service.generation.sealed_values import DIGEST_BYTES, sealed
from service.settings import Settings
from tests.fuzz.cases import Case
from tests.fuzz.mutating import changed_bytes, changed_json, changed_text, odd_value
from tests.networks import random_network
from tests.replies import sent_events
from tests.service.api.conftest import MemoryQueue
from tests.service.conftest import LETTERS, MemoryRedis

KEY: Final = "k" * 32
_HEAD: Final = struct.Struct("<BBI")


@dataclass(frozen=True)
class _Application:
    """A client of an application with real engines, and what it keeps in Redis."""

    client: FlaskClient
    values: dict[str, bytes]

    def ask(self, **fields: Any) -> TestResponse:
        headers = fields.pop("headers", {})
        return self.client.post("/generate", json=fields, headers=headers)

    def text(self, **fields: Any) -> str:
        """The text that is generated. Raises AssertionError if none is."""
        reply = self.ask(**fields)
        assert reply.status_code == 200, reply.text[:300]
        return str(reply.json["choices"][0]["text"])  # type: ignore[index]


def _answer(reply: TestResponse) -> str:
    """What came of a request whose body may be at fault."""
    assert reply.status_code == 200 or 400 <= reply.status_code < 500, f"{reply.status_code} {reply.text[:300]}"
    if reply.status_code == 200:
        return "went on"
    error = (reply.json or {}).get("error", {})
    assert error.get("param") or error.get("code") == "invalid_json", f"no field is named: {reply.text[:300]}"
    return "refused"


def _signed(payload: bytes) -> str:
    """A continuation with a signature that is right."""
    signer = Signer([KEY], b"charrnn.continuation", digest_method=hashlib.sha256)
    return signer.sign(base64_encode(payload)).decode()


def _continuation(application: _Application, random: Random) -> str:
    """A continuation, changed in its characters, or inside and then signed again."""
    model = random.choice(CELLS)
    asked: dict[str, Any] = {
        "model": model,
        "prompt": "abc",
        "length": 5,
        "seed": random.randrange(99),
        "continuation": True,
    }
    patterns: tuple[Any, ...] = ({"regex": "[abc]+"}, {"choice": ["abc", "c"]}, {"regex": "a(bc)*", "stop": "ca"})
    asked |= random.choice(({}, {"stop": ["xyz"]}, {"temperature": 0}, {"repetition_penalty": 1.2}, *patterns))
    token = application.ask(**asked).json["choices"][0]["continuation"]  # type: ignore[index]
    payload = base64_decode(token.rpartition(".")[0])
    _, is_long, length = _HEAD.unpack_from(payload)
    head, state = payload[_HEAD.size : _HEAD.size + length], payload[_HEAD.size + length :]
    kind = random.randrange(8)
    if kind == 0:
        changed = changed_text(random, token)
    elif kind == 1:
        changed = _signed(changed_bytes(random, payload))
    elif kind == 2:
        changed = _signed(_HEAD.pack(FORMAT, random.choice((is_long, 1, 2)), random.randrange(1 << 32)) + head + state)
    elif kind <= 4:
        fields = json.loads(zlib.decompress(head) if is_long else head)
        for _ in range(random.choice((1, 1, 3))):
            fields = changed_json(random, fields)
        written = json.dumps(fields).encode()
        written = zlib.compress(written) if (packed := random.random() < 0.3) else written
        changed = _signed(_HEAD.pack(FORMAT, packed, len(written)) + written + state)
    else:
        changed = _signed(_HEAD.pack(FORMAT, is_long, length) + head + _state(random, state))
    return _answer(application.ask(**{"continue": changed, "length": 20, "prompt": random.choice(("", "a"))}))


def _state(random: Random, data: bytes) -> bytes:
    """A packed state with other numbers or another head."""
    changed = bytearray(data)
    for _ in range(random.choice((1, 4, 20))):
        at = random.randrange(len(changed) - 4)
        odd = struct.pack("<f", random.choice((float("nan"), float("inf"), 3e38, -3e38, 1e30, 1e-45, 5.0, -2.0)))
        changed[at : at + 4] = random.choice((odd, random.randbytes(4), b"\0\0\0\0", b"\xff\xff\xff\xff"))
    return changed_bytes(random, bytes(changed)) if random.random() < 0.2 else bytes(changed)


def _entry(application: _Application, random: Random) -> str:
    """An entry of the cache, changed, with a digest that may be right."""
    application.values.clear()
    asked: dict[str, Any] = {"model": random.choice(CELLS), "prompt": "abc", "length": 12, "seed": 5}
    asked |= random.choice(({}, {"logprobs": 3}, {"n": 3}, {"logprobs": 2, "echo": True}, {"continuation": True}))
    calm = application.ask(**asked, cache=False).json["choices"]  # type: ignore[index]
    application.ask(**asked)
    (key,) = (key for key in application.values if key.startswith(ENTRIES))
    known = application.values[key]
    whole = known[DIGEST_BYTES:]
    body = _state(random, whole) if random.random() < 0.5 else changed_bytes(random, whole)
    forged = random.random() < 0.7
    application.values[key] = sealed(key, body) if forged else known[:DIGEST_BYTES] + body
    longer = random.choice((12, 12, 7, 30))
    reply = application.ask(**{**asked, "length": longer})
    assert reply.status_code == 200, f"{reply.status_code} {reply.text[:300]}"
    if longer == 12 and not forged and body != whole:
        found = reply.json["choices"]  # type: ignore[index]
        assert [each["text"] for each in found] == [each["text"] for each in calm], "a damaged entry was believed"
    return "an entry with its digest was read" if forged else "a damaged entry was passed over"


def _prefix(application: _Application, random: Random) -> str:
    """A state after a prefix, changed, with a digest that may be right."""
    application.values.clear()
    prompt = "".join(random.choices(LETTERS, k=600))
    asked = {"model": random.choice(CELLS), "prompt": prompt, "length": 12, "seed": 5, "cache": False}
    calm = application.text(**asked)
    keys = [key for key in application.values if key.startswith(STATES)]
    forged = random.random() < 0.7
    for key in keys:
        known = application.values[key]
        data = _state(random, known[DIGEST_BYTES:])
        application.values[key] = sealed(key, data) if forged else known[:DIGEST_BYTES] + data
    text = application.text(**asked)
    assert forged or text == calm, "a damaged state was believed"
    return f"{'a state with its digest was read' if forged else 'a damaged state was passed over'}"


def _event(application: _Application, random: Random) -> str:
    """The id of an event, changed."""
    asked: dict[str, Any] = {"model": random.choice(CELLS), "prompt": "abc", "length": 20, "seed": 5, "stream": True}
    asked |= random.choice(({}, {"n": 3}, {"stop": ["q"]}, {"logprobs": 1, "echo": True}))
    ids = [event.id for event in sent_events(application.ask(**asked).text) if event.id]
    event = random.choice(ids)
    for _ in range(random.choice((1, 1, 3))):
        event = changed_text(random, event) if event and random.random() < 0.8 else str(odd_value(random))
    event = "".join(c for c in event if c not in "\r\n").encode("utf-8", "replace").decode("latin-1")
    return _answer(application.ask(**asked, headers={"Last-Event-ID": event}))


def _progress(_: _Application, random: Random) -> str:
    """The id of an event that begins as it must, with any progress after it."""
    digest, choices = b"d" * 32, random.choice((1, 3, 1000))
    items = [random.choice(("e", "p3", "p0", "12", "12.15", "0", "s2", "9" * 15, "*", "")) for _ in range(choices % 7)]
    repeated = [item + random.choice(("", "", f"*{random.choice((0, 1, 2, choices, 10**15 - 1))}")) for item in items]
    written = random.choice(("_".join(repeated), "end", changed_text(random, "p3_12.15*4_e_s2")))
    name = random.choice((progress._name(hashlib.sha256(digest), written), "0" * 8))
    try:
        found = progress.StreamProgress.read(f"{name}-{written}", digest, choices)
    except EventIdError:
        return "refused"
    assert all(found[index].characters >= 0 for index in range(choices))
    return "read"


KINDS: Final[tuple[Callable[[_Application, Random], str], ...]] = (
    _continuation,
    _continuation,
    _entry,
    _prefix,
    _event,
    _progress,
)


@contextmanager
def _application() -> Iterator[_Application]:
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder), default_model="lstm", continuation_keys=(KEY,), log_level="error")
        store = ModelStore(settings.data.models)
        for cell in CELLS:
            publish_and_promote(store, cell, random_network(Vocabulary(LETTERS), cell, 21, 2))
        redis, scheduler = MemoryRedis(), Scheduler(max_active=4, max_waiting=4)
        scheduler.start()
        process = build_web(settings, redis=redis, queue=MemoryQueue(), scheduler=scheduler, compile=compile_pattern)
        yield _Application(process.application.test_client(), redis.values)
        scheduler.close()


@contextmanager
def handed_back() -> Iterator[Case]:
    """Each kind of what comes back, in turn."""
    with _application() as application:
        yield lambda random: f"{(kind := random.choice(KINDS)).__name__[1:]}: {kind(application, random)}"
