"""A web process for fuzzers, with a model, a corpus and a job, and raw requests to it."""

from __future__ import annotations

import json
import re
import socket
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from charrnn.vocabulary import Vocabulary
from model_store.promotion import publish_and_promote
from model_store.store import ModelStore
from tests.networks import random_network
from tests.system.web import Web

KEY: Final = "fuzz-key"
TOKENS: Final = Vocabulary("\n" + "".join(map(chr, range(32, 127))))
_SECONDS: Final = 60


@dataclass(frozen=True)
class Reply:
    """What came back for a request: a status of 0 if the connection was closed without one."""

    status: int
    body: bytes

    @property
    def error(self) -> dict[str, Any]:
        """The error in the body, as the contract has it. Raises AssertionError."""
        try:
            error: dict[str, Any] = json.loads(self.body)["error"]
        except (ValueError, KeyError, TypeError) as fault:
            raise AssertionError(f"{self.status} without an error of the contract: {self.body[:200]!r}") from fault
        assert set(error) >= {"type", "code", "message", "param"}, error
        return error


class Served:
    """A running web process; `known` has a value for each name in a path."""

    def __init__(self, web: Web) -> None:
        self._web = web
        self.document: Any = json.loads(web.get("/openapi.json"))
        corpus = self.ask("POST", "/corpora", b"abc " * 5000, "text/plain")
        job = self.ask("POST", "/jobs", json.dumps({"corpus": corpus["id"], "model": "letters"}).encode())
        mine = {
            "model": "letters",
            "corpus": corpus["id"],
            "corpus_id": corpus["id"],
            "job_id": job["id"],
            "reference": "letters@1",
            "slug": "hidden-1-1",
        }
        self.known = {"name": "letters", "version": "1", "alias": "current", **mine}

    def ask(self, method: str, path: str, data: bytes, content_type: str = "application/json") -> Any:
        """The reply to a request that must succeed, as JSON."""
        headers = {"Authorization": f"Bearer {KEY}", "Content-Type": content_type}
        request = urllib.request.Request(f"http://127.0.0.1:{self._web.port}{path}", data, headers, method=method)
        with urllib.request.urlopen(request, timeout=_SECONDS) as reply:
            return json.load(reply)

    def filled(self, path: str) -> str:
        """The path with a value for each name."""
        return re.sub(r"{(\w+)}", lambda name: self.known[name[1]], path)

    def send(self, data: bytes, *, ends: bool) -> Reply:
        """What comes back for these bytes, up to the end of the connection; `ends`: nothing follows them, whatever
        they announce. Raises TimeoutError."""
        with socket.create_connection(("127.0.0.1", self._web.port), timeout=_SECONDS) as connection:
            received = b""
            try:
                connection.sendall(data)
                if ends:
                    connection.shutdown(socket.SHUT_WR)
                while part := connection.recv(1 << 16):
                    received += part
            except (ConnectionResetError, BrokenPipeError):
                pass  # it was refused before all of it had been sent
        head, _, body = received.partition(b"\r\n\r\n")
        line = re.match(rb"HTTP/1\.[01] (\d{3}) ", head)
        assert line or not received, f"no HTTP: {received[:100]!r}"
        return Reply(int(line[1]) if line else 0, body)

    def log(self) -> str:
        """What the process has written."""
        return self._web.output.read_text(errors="replace")


@contextmanager
def served() -> Iterator[Served]:
    """A web process, which must not have met an unforeseen error when it ends."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder, "data")
        publish_and_promote(ModelStore(data / "models"), "letters", random_network(TOKENS, "lstm", 21))
        web = Web(data, ADMIN_API_KEYS=KEY, DEFAULT_MODEL="letters", LOG_LEVEL="warning", MAX_BODY_BYTES="1000000")
        with web.serving():
            serving = Served(web)
            yield serving
            assert "Traceback" not in serving.log(), serving.log()[-3000:]
