"""A client of this service: typed, one file, and nothing but the standard library, so that it can be copied anywhere.

client = Client("http://127.0.0.1:8000")
print(client.generate("ROMEO:", length=300, temperature=0.8).text)
for piece in client.stream("ROMEO:", length=300):
    print(piece.text, end="", flush=True)
"""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final
from urllib.parse import quote, urlencode, urlsplit

DEFAULT_URL: Final = "http://127.0.0.1:8000"
LONGEST_WAIT: Final = 60.0
"""Seconds: no Retry-After is waited for longer."""

Json = dict[str, Any]
Read = Callable[[http.client.HTTPResponse, bytes], Any]


class ServiceError(Exception):
    """What the service answered instead of what was asked for; `status` 0: it could not be reached."""

    def __init__(self, status: int, code: str, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.param = status, code, message, param


@dataclass(frozen=True)
class Choice:
    """One generated text; `logprobs` as the service gives them, when they were asked for."""

    text: str
    seed: int
    finish_reason: str
    logprobs: list[Json] | None = None


@dataclass(frozen=True)
class Generation:
    """A whole result; `text` is the first choice's."""

    text: str
    model: str
    version: int
    choices: list[Choice]
    usage: dict[str, int]
    cached: bool
    reply: Json = field(repr=False)

    @property
    def seed(self) -> int:
        """What gives the first choice again."""
        return self.choices[0].seed


@dataclass(frozen=True)
class Piece:
    """The next part of choice `index`; its last one has a `finish_reason`."""

    text: str
    index: int
    seed: int
    finish_reason: str | None
    logprobs: list[Json] | None = None


@dataclass(frozen=True)
class Score:
    """Natural logarithms of a text's tokens; None for the first, which follows nothing."""

    tokens: list[str]
    logprobs: list[float | None]
    bits_per_character: float | None
    perplexity: float | None


@dataclass(frozen=True)
class Trace:
    """What a model did along a text, by its tokens: `surprisal` in bits, None for the first; in `top` the likeliest to
    follow each, as {"token", "probability"}; `cells` as {"layer", "unit", "part", "values"}."""

    tokens: list[str]
    surprisal: list[float | None]
    top: list[list[Json]]
    cells: list[Json]
    model: str
    version: int


class Client:
    """Talks to one service; may be used by any number of threads. Every method raises ServiceError.

    `key` is sent as a bearer key. A reply 429 or 503 is waited for as long as its Retry-After says, `retries` times.
    """

    def __init__(self, url: str = DEFAULT_URL, key: str | None = None, timeout: float = 120, retries: int = 2) -> None:
        parts = urlsplit(url if "//" in url else f"//{url}")
        self._secure, self._address, self._prefix = parts.scheme == "https", parts.netloc, parts.path.rstrip("/")
        self._key, self._timeout, self._retries = key, timeout, retries

    def generate(self, prompt: str = "", length: int | None = None, **parameters: Any) -> Generation:
        """Text that goes on from the prompt. `parameters` are those of `POST /generate`: temperature, seed, ..."""
        reply = self.json("POST", "/generate", _given(prompt=prompt, length=length, **parameters))
        choices = [Choice(c["text"], c["seed"], c["finish_reason"], c.get("logprobs")) for c in reply["choices"]]
        model, version = reply["model"], reply["version"]
        return Generation(reply["text"], model, version, choices, reply["usage"], reply["cached"], reply)

    def stream(self, prompt: str = "", length: int | None = None, **parameters: Any) -> Iterator[Piece]:
        """The same text in pieces, as they are made. To leave the loop, or to close the iterator, ends the work."""
        body = _given(prompt=prompt, length=length, **parameters, stream=True)
        for chunk in self._events("POST", "/generate", body):
            if "index" in chunk:
                logprobs = chunk.get("logprobs")
                yield Piece(chunk["text"], chunk["index"], chunk["seed"], chunk["finish_reason"], logprobs)

    def score(self, text: str, model: str | None = None) -> Score:
        """How likely the model finds the text."""
        reply = self.json("POST", "/score", _given(text=text, model=model))
        return Score(reply["tokens"], reply["logprobs"], reply["bits_per_character"], reply["perplexity"])

    def trace(
        self, text: str, cells: Iterable[Json] = (), model: str | None = None, unknown: str | None = None
    ) -> Trace:
        """What the model does along the text. A cell is {"layer": 0, "unit": 5}, and {"layer": 0} all of its units;
        "part": "cell" is what an LSTM's cell keeps, instead of what it shows."""
        body = _given(text=text, cells=list(cells), model=model, unknown=unknown)
        reply = self.json("POST", "/trace", body)
        told = (reply[name] for name in ("tokens", "surprisal", "top", "cells", "model", "version"))
        return Trace(*told)

    def picture(self, text: str, cell: Json | None = None, model: str | None = None, kind: str = "image/png") -> bytes:
        """The text coloured by the cell, or by surprisal; `kind` may be image/svg+xml as well."""
        body = _given(text=text, cells=[cell] if cell else None, model=model)
        content: bytes = self._whole("POST", "/trace", body, _content, kind)
        return content

    def tokenize(self, text: str, model: str | None = None) -> list[int]:
        """The ids of the text."""
        ids: list[int] = self.json("POST", "/tokenize", _given(text=text, model=model))["ids"]
        return ids

    def detokenize(self, ids: list[int], model: str | None = None) -> str:
        """The text of the ids."""
        return str(self.json("POST", "/detokenize", _given(ids=ids, model=model))["text"])

    def models(self) -> list[Json]:
        """Name, versions and aliases of every model."""
        models: list[Json] = self.json("GET", "/models")["models"]
        return models

    def model(self, name: str) -> Json:
        """A model's versions with their records, and its aliases with their history."""
        return self.json("GET", f"/models/{quote(name, safe='')}")

    def cells(self, name: str, version: int) -> Json:
        """What the version's cells follow, how well, and what chance gives. Code `no_cells`: nobody found out yet."""
        return self.json("GET", _cells(name, version))

    def find_cells(self, name: str, version: int, corpus: str | None = None, text: str | None = None) -> Json:
        """Have it found out along a corpus or a text what the version's cells follow, and kept (admin)."""
        return self.json("POST", _cells(name, version), _given(corpus=corpus, text=text))

    def cell_picture(self, name: str, version: int, slug: str, kind: str = "png") -> bytes:
        """A cell along a text that the version writes; `slug` as in `cells`, `kind` png or svg."""
        content: bytes = self._whole("GET", f"{_cells(name, version)}/{quote(slug, safe='')}.{kind}", None, _content)
        return content

    def promote(self, name: str, version: int, alias: str = "current") -> Json:
        """Let the alias stand for the version (admin)."""
        return self.json("PUT", f"/models/{quote(name, safe='')}/aliases/{quote(alias, safe='')}", {"version": version})

    def delete_alias(self, name: str, alias: str) -> None:
        """Let the alias stand for nothing; its history is kept (admin)."""
        self.json("DELETE", f"/models/{quote(name, safe='')}/aliases/{quote(alias, safe='')}")

    def publish(self, name: str, checkpoint: Path) -> Json:
        """A checkpoint file as the model's next version (admin)."""
        return self._upload(f"/models/{quote(name, safe='')}/versions", checkpoint, "application/octet-stream")

    def upload(self, path: Path, name: str | None = None, model: str | None = None) -> Json:
        """A text to train on; with `model`, training starts at once (admin)."""
        query = urlencode(_given(name=name or path.name, model=model))
        return self._upload(f"/corpora?{query}", path, "text/plain")

    def train(self, corpus: str, model: str, **parameters: Any) -> Json:
        """A new job (admin). `parameters` are those of `POST /jobs`."""
        return self.json("POST", "/jobs", _given(corpus=corpus, model=model, **parameters))

    def jobs(self) -> list[Json]:
        """All jobs (admin)."""
        jobs: list[Json] = self.json("GET", "/jobs")["jobs"]
        return jobs

    def job(self, job: str) -> Json:
        """A job with its measurements and samples (admin)."""
        return self.json("GET", f"/jobs/{quote(job, safe='')}")

    def json(self, method: str, path: str, body: Any = None) -> Json:
        """Any other route: the JSON of its reply."""
        value: Json = self._whole(method, path, body, _value)
        return value

    def _whole(self, method: str, path: str, body: Any, read: Read, accept: str = "") -> Any:
        """What `read` makes of the reply, which is asked for again where it says when."""
        for attempt in range(self._retries + 1):
            with self._reply(method, path, _encoded(body), accept=accept) as reply:
                data = reply.read()
                wait = float(reply.headers.get("Retry-After", "inf"))
                if reply.status not in (429, 503) or attempt == self._retries or wait > LONGEST_WAIT:
                    return read(reply, data)
            time.sleep(wait)
        raise AssertionError("the last attempt returns or raises")

    def _upload(self, path: str, file: Path, content_type: str) -> Json:
        with file.open("rb") as body, self._reply("POST", path, body, content_type) as reply:
            value: Json = _value(reply, reply.read())
            return value

    def _events(self, method: str, path: str, body: Json) -> Iterator[Json]:
        with self._reply(method, path, _encoded(body)) as reply:
            if reply.status != 200:
                _value(reply, reply.read())
            for line in reply:
                text = line.decode().rstrip("\r\n")
                if text == "data: [DONE]":
                    return
                if text.startswith("data: "):
                    yield _checked(reply.status, json.loads(text.removeprefix("data: ")))
        raise ServiceError(0, "connection_lost", "the stream broke off before its end")

    @contextmanager
    def _reply(
        self,
        method: str,
        path: str,
        body: bytes | IO[bytes] | None,
        content_type: str = "application/json",
        accept: str = "",
    ) -> Iterator[http.client.HTTPResponse]:
        kind = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
        connection = kind(self._address, timeout=self._timeout)
        headers = {"Content-Type": content_type} if body is not None else {}
        headers |= {"Accept": accept} if accept else {}
        headers |= {"Authorization": f"Bearer {self._key}"} if self._key else {}
        try:
            connection.request(method, self._prefix + path, _sized(body, headers), headers)
            with connection.getresponse() as reply:
                yield reply
        except (OSError, http.client.HTTPException) as error:
            reason = f"{self._address}: {error or type(error).__name__}"
            raise ServiceError(0, "not_reached", f"the service cannot be reached at {reason}") from error
        finally:
            connection.close()


def _cells(name: str, version: int) -> str:
    return f"/models/{quote(name, safe='')}/versions/{version}/cells"


def _given(**fields: Any) -> Json:
    return {name: value for name, value in fields.items() if value is not None}


def _encoded(body: Any) -> bytes | None:
    return None if body is None else json.dumps(body).encode()


def _sized(body: bytes | IO[bytes] | None, headers: dict[str, str]) -> bytes | Iterable[bytes] | None:
    """A file with its size announced: nothing is held in memory, nothing is sent in chunks."""
    if body is None or isinstance(body, bytes):
        return body
    headers["Content-Length"] = str(Path(body.name).stat().st_size)
    return body


def _content(reply: http.client.HTTPResponse, data: bytes) -> bytes:
    """The bytes of a reply that is not JSON, unless it is an error."""
    if reply.status >= 400:
        _value(reply, data)
    return data


def _value(reply: http.client.HTTPResponse, data: bytes) -> Any:
    """The JSON of a reply, or the error that it stands for."""
    try:
        value = json.loads(data) if data else {}
    except ValueError:
        value = {}
    if reply.status >= 400 and "error" not in value:
        raise ServiceError(reply.status, "error", f"{reply.status} {reply.reason}")
    return _checked(reply.status, value)


def _checked(status: int, value: Any) -> Any:
    error = value.get("error") if isinstance(value, Mapping) and status != 201 else None
    # A job has an `error` too: a text, or null.
    if isinstance(error, Mapping):
        raise ServiceError(status, error["code"], error["message"], error.get("param"))
    return value
