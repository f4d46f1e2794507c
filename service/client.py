"""A client of this service: typed, one file, and nothing but the standard library, so that it can be copied anywhere.

client = Client("http://127.0.0.1:8000")
print(client.generate("ROMEO:", length=300, temperature=0.8).text)
for piece in client.stream("ROMEO:", length=300):
    print(piece.text, end="", flush=True)

begun = client.generate("ROMEO:", length=300, continuation=True).choices[0]
print(begun.text + client.generate(continue_=begun.continuation, length=300).text)

print(client.generate(regex="[A-Z][a-z]+, [0-9]{1,2} (May|June)").text)
"""

from __future__ import annotations

import contextlib
import http.client
import json
import math
import os
import stat
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import IO, Any, Final, TypeVar, cast, overload
from urllib.parse import quote, urlencode, urlsplit

DEFAULT_URL: Final = "http://127.0.0.1:8000"
LONGEST_WAIT: Final = 60.0
"""In seconds: a longer Retry-After is not waited for."""

PIECE_BYTES: Final = 1 << 16
"""How much of a file is sent or received at a time."""

PREVIEW_BYTES: Final = 1 << 18
"""How much of a file the service previews."""

JSON_LINES: Final = "application/x-ndjson"

AS_IT_WAS: Final[Any] = object()
"""In place of a pattern that is not given. None says that a text need not fit anything, though the text that it
continues had to."""

Json = dict[str, Any]
Body = bytes | Iterator[bytes] | None
R = TypeVar("R")


class ServiceError(Exception):
    """A request that failed: `status` is HTTP's, or 0 if there was no reply.

    `code`, `message` and `param` are the service's own. If it sent none, `code` is `not_reached`, `timeout`,
    `connection_lost` (in the middle of a reply), `unexpected_reply` (not a reply of this service: a proxy's page,
    say) or `file_changed` (a file became shorter while it was sent). `more` has the error's further fields: of a
    `length_too_short`, `shortest` and `example`; of an `invalid_pattern` or an
    `unsupported_pattern`, `position` and `place`; and so on.
    """

    def __init__(
        self, status: int, code: str, message: str, param: str | None = None, more: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.param = status, code, message, param
        self.more: Json = dict(more or {})

    @property
    def shortest(self) -> int | None:
        """The tokens of the shortest text that fits, if `length` is less."""
        return cast("int | None", self.more.get("shortest"))

    @property
    def example(self) -> str | None:
        """Such a text."""
        return cast("str | None", self.more.get("example"))


@dataclass(frozen=True)
class Choice:
    """One generated text; if requested, `logprobs` as the service returns them, and the `continuation` from which it
    goes on."""

    text: str
    seed: int
    finish_reason: str
    logprobs: list[Json] | None = None
    continuation: str | None = None


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
    def pattern_skipped(self) -> list[str]:
        """Characters of the pattern that the model does not know, and that the pattern can do without."""
        return list(self.reply.get("pattern_skipped", ()))

    @property
    def seed(self) -> int:
        """The seed that reproduces the first choice."""
        return self.choices[0].seed


@dataclass(frozen=True)
class Completion:
    """A text that may come next, and its probability; its `finish_reason` is `stop`, `end` or `length`."""

    text: str
    logprob: float
    probability: float
    finish_reason: str


@dataclass(frozen=True)
class Completions:
    """The likeliest completions of a prompt, the likeliest first; `exact`: it is proven that no other is likelier."""

    completions: list[Completion]
    exact: bool
    model: str
    version: int
    usage: dict[str, int]


@dataclass(frozen=True)
class Piece:
    """The next piece of choice `index`; the last one has a `finish_reason` and, if requested, the `continuation`. If
    characters of the pattern were left out, the first one has them."""

    text: str
    index: int
    seed: int
    finish_reason: str | None
    logprobs: list[Json] | None = None
    continuation: str | None = None
    pattern_skipped: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Record:
    """One generated record; its `finish_reason` is `end`, `length` if it was cut off or fits within just that, or
    `stop` if its pattern ended it."""

    text: str
    seed: int
    index: int
    finish_reason: str = "end"


@dataclass(frozen=True)
class RecordsSummary:
    """What a reply of records ends with; `exhausted` if there are fewer than asked for, because too many candidates in
    a row were refused by `unique` or `novel`."""

    count: int
    tried: int
    exhausted: bool
    seconds: float
    model: str
    version: int
    seed: int
    pattern_skipped: list[str] = field(default_factory=list)


class Records:
    """An iterator over records as they are generated, which ends the request when it is closed."""

    def __init__(self, lines: Iterator[Json]) -> None:
        self._lines = lines
        self.summary: RecordsSummary | None = None
        """Of the whole reply, once all records have been read."""

    def __iter__(self) -> Records:
        return self

    def __next__(self) -> Record:
        for line in self._lines:
            with _reading(line):
                if "done" not in line:
                    return Record(line["text"], line["seed"], line["index"], line.get("finish_reason", "end"))
                self.summary = RecordsSummary(**_known(RecordsSummary, line))
        raise StopIteration

    def close(self) -> None:
        """End the request."""
        getattr(self._lines, "close", lambda: None)()


@dataclass(frozen=True)
class JobEvent:
    """An event of a job; pass `id` to `Client.events` to continue after it; `kind` is status, metrics, samples, ..."""

    id: int
    kind: str
    data: Json


@dataclass(frozen=True)
class Score:
    """Log probabilities of a text's tokens; None for the first, which nothing precedes."""

    tokens: list[str]
    logprobs: list[float | None]
    bits_per_character: float | None
    perplexity: float | None


@dataclass(frozen=True)
class TextScore:
    """One of several texts: its `bits`, also per character; `percentile`, the share of the held-out records or lines
    that the model finds likelier; and in `surprising` the spans that stand out, as {"start", "end", "text", "bits"}.
    `logprobs` of its tokens, if requested."""

    bits_per_character: float | None
    bits: float
    tokens: int
    percentile: float | None
    surprising: list[Json]
    logprobs: list[float | None] | None = None
    top_logprobs: list[dict[str, float] | None] | None = None


@dataclass(frozen=True)
class Classification:
    """The likeliest label of a text, and the probability of each label, the likeliest first."""

    label: str
    probability: float
    probabilities: dict[str, float]
    skipped: list[Json] = field(default_factory=list)


@dataclass(frozen=True)
class Tagging:
    """The tag of each token of a text, None for what was skipped, and spans of the same tag, as {"start", "end", "tag",
    "probability"} in characters."""

    tags: list[str | None]
    spans: list[Json]
    skipped: list[Json] = field(default_factory=list)


@dataclass(frozen=True)
class Transduction:
    """What a text was turned into; `finish_reason` is `end`, or `length` if it is cut off."""

    text: str
    logprob: float
    finish_reason: str
    skipped: list[Json] = field(default_factory=list)


@dataclass(frozen=True)
class Comparison:
    """By model: the probability that it wrote a text, and the bits per character that it needs for it."""

    probabilities: dict[str, float]
    bits_per_character: dict[str, float | None]


@dataclass(frozen=True)
class Trace:
    """What happened at each token of a text: `surprisal` in bits, None for the first; in `top` the most likely tokens
    to follow each, as {"token", "probability"}; `cells` as {"layer", "unit", "part", "values"}."""

    tokens: list[str]
    surprisal: list[float | None]
    top: list[list[Json]]
    cells: list[Json]
    model: str
    version: int


class Client:
    """A connection to one service, safe to use from any number of threads. Every method raises ServiceError.

    `key` is sent as a bearer token. After a 429 or 503, a request is repeated after its Retry-After, up to `retries`
    times, streams and uploads included. A stream of a text, of records or of a job's events whose connection is lost,
    or whose server ends, goes on where it was, after `wait` seconds and then after four times as long, up to `retries`
    times without anything new. Raises ValueError for a url or a key that cannot be used.
    """

    def __init__(
        self,
        url: str = DEFAULT_URL,
        key: str | None = None,
        timeout: float = 120,
        retries: int = 2,
        wait: float = 1,
    ) -> None:
        self._service = _Transport(url, key, timeout, retries, wait)

    # Texts

    def generate(
        self,
        prompt: str = "",
        length: int | None = None,
        *,
        regex: str | None = AS_IT_WAS,
        choice: Iterable[str] | None = AS_IT_WAS,
        json_schema: Json | str | None = AS_IT_WAS,
        **parameters: Any,
    ) -> Generation:
        """A text that follows the prompt. `parameters` are those of `POST /generate`: temperature, seed, ...; to go on
        where another text ended, `continue_` (Python has no such name without the underscore).

        With one of `regex`, `choice` and `json_schema` (an object, or its JSON text) the text fits that, and is whole
        whatever `length` is; the ServiceError `length_too_short` has the `shortest` length and an `example`.
        """
        body = _given(prompt=prompt, length=length, **parameters) | _pattern(regex, choice, json_schema)
        reply = self.json("POST", "/generate", body)
        with _reading(reply):
            choices = [Choice(**_known(Choice, each)) for each in reply["choices"]]
            model, version = reply["model"], reply["version"]
            return Generation(reply["text"], model, version, choices, reply["usage"], reply["cached"], reply)

    def stream(
        self,
        prompt: str = "",
        length: int | None = None,
        *,
        regex: str | None = AS_IT_WAS,
        choice: Iterable[str] | None = AS_IT_WAS,
        json_schema: Json | str | None = AS_IT_WAS,
        **parameters: Any,
    ) -> Iterator[Piece]:
        """The same text in pieces, as they are generated; one that breaks off goes on, with the version and the seed
        that it began with. Leaving the loop or closing the iterator ends the request."""
        body = _given(prompt=prompt, length=length, **parameters, stream=True) | _pattern(regex, choice, json_schema)
        for id, _, chunk in self._service.lasting_events("POST", "/generate", body):
            with _reading(chunk):
                if "index" not in chunk:
                    continue
                piece = Piece(**_known(Piece, chunk))
                if id:
                    seed = _first_seed(piece.seed, piece.index)
                    body |= {"model": f"{chunk['model']}@{chunk['version']}", "seed": seed}
            yield piece

    def complete(
        self, prompt: str = "", n: int | None = None, *, until: str | Iterable[str] | None = None, **parameters: Any
    ) -> Completions:
        """What most likely follows the prompt: the `n` likeliest texts up to one of the strings `until`. `parameters`
        are the others of `POST /complete`: model, length, regex, choice, ..."""
        strings = list(until) if until is not None and not isinstance(until, str) else until
        reply = self.json("POST", "/complete", _given(prompt=prompt, n=n, until=strings, **parameters))
        with _reading(reply):
            completions = [Completion(**_known(Completion, each)) for each in reply["completions"]]
            return Completions(completions, reply["exact"], reply["model"], reply["version"], reply["usage"])

    def records(
        self,
        model: str | None = None,
        count: int = 10,
        *,
        regex: str | None = AS_IT_WAS,
        choice: Iterable[str] | None = AS_IT_WAS,
        json_schema: Json | str | None = AS_IT_WAS,
        **parameters: Any,
    ) -> Records:
        """Records of a model that was trained on them, in order; a reply that breaks off goes on, with the version and
        the seed that it began with. `parameters` are those of `POST /records`: label, unique, novel, seed, ... Each
        fits `regex`, `choice` or `json_schema`, as in `generate`."""
        pattern = _pattern(regex, choice, json_schema)
        return Records(self.record_lines(model, count, **parameters, **pattern))

    def record_lines(self, model: str | None = None, count: int = 10, **parameters: Any) -> Iterator[Json]:
        """The lines of the same reply: the records, then the counts; the `seconds` are those of its last part."""
        return self._service.lasting_records(_given(model=model, count=count, **parameters))

    @overload
    def score(self, text: str, model: str | None = None) -> Score: ...
    @overload
    def score(
        self, *, texts: Iterable[str], model: str | None = None, logprobs: bool | int | None = None
    ) -> list[TextScore]: ...
    def score(
        self,
        text: str | None = None,
        model: str | None = None,
        *,
        texts: Iterable[str] | None = None,
        logprobs: bool | int | None = None,
    ) -> Score | list[TextScore]:
        """How likely the model finds the text, or each of several texts, which are read together."""
        several = None if texts is None else list(texts)
        reply = self.json("POST", "/score", _given(text=text, texts=several, model=model, logprobs=logprobs))
        with _reading(reply):
            if several is not None:
                return [TextScore(**_known(TextScore, each)) for each in reply["results"]]
            return Score(reply["tokens"], reply["logprobs"], reply["bits_per_character"], reply["perplexity"])

    @overload
    def classify(
        self, text: str, model: str | None = None, *, top: int | None = None, unknown: str | None = None
    ) -> Classification: ...
    @overload
    def classify(
        self, *, texts: Iterable[str], model: str | None = None, top: int | None = None, unknown: str | None = None
    ) -> list[Classification]: ...
    def classify(
        self,
        text: str | None = None,
        model: str | None = None,
        *,
        texts: Iterable[str] | None = None,
        top: int | None = None,
        unknown: str | None = None,
    ) -> Classification | list[Classification]:
        """The label of the text, or of each of up to 1,000 texts; with `top`, the probabilities of so many labels."""
        asked = {"model": model, "top": top, "unknown": unknown}
        return self._results("/classify", Classification, text, texts, **asked)

    @overload
    def tag(self, text: str, model: str | None = None, *, unknown: str | None = None) -> Tagging: ...
    @overload
    def tag(self, *, texts: Iterable[str], model: str | None = None, unknown: str | None = None) -> list[Tagging]: ...
    def tag(
        self,
        text: str | None = None,
        model: str | None = None,
        *,
        texts: Iterable[str] | None = None,
        unknown: str | None = None,
    ) -> Tagging | list[Tagging]:
        """The tags of the text's tokens, or of those of each of up to 1,000 texts."""
        return self._results("/tag", Tagging, text, texts, model=model, unknown=unknown)

    @overload
    def transduce(
        self,
        text: str,
        model: str | None = None,
        *,
        beams: int | None = None,
        length: int | None = None,
        unknown: str | None = None,
    ) -> Transduction: ...
    @overload
    def transduce(
        self,
        *,
        texts: Iterable[str],
        model: str | None = None,
        beams: int | None = None,
        length: int | None = None,
        unknown: str | None = None,
    ) -> list[Transduction]: ...
    def transduce(
        self,
        text: str | None = None,
        model: str | None = None,
        *,
        texts: Iterable[str] | None = None,
        beams: int | None = None,
        length: int | None = None,
        unknown: str | None = None,
    ) -> Transduction | list[Transduction]:
        """What the text, or each of up to 1,000 texts, is turned into."""
        asked = {"model": model, "beams": beams, "length": length, "unknown": unknown}
        return self._results("/transduce", Transduction, text, texts, **asked)

    @overload
    def compare(self, models: Iterable[str], text: str) -> Comparison: ...
    @overload
    def compare(self, models: Iterable[str], *, texts: Iterable[str]) -> list[Comparison]: ...
    def compare(
        self, models: Iterable[str], text: str | None = None, *, texts: Iterable[str] | None = None
    ) -> Comparison | list[Comparison]:
        """Which of the models is likeliest to have written the text, or each of up to 1,000 texts."""
        return self._results("/compare", Comparison, text, texts, models=list(models))

    def _results(
        self, path: str, kind: type[R], text: str | None, texts: Iterable[str] | None, **fields: Any
    ) -> R | list[R]:
        """The result for a text, or the results for several."""
        several = None if texts is None else list(texts)
        reply = self.json("POST", path, _given(text=text, texts=several, **fields))
        with _reading(reply):
            results = [kind(**_known(kind, each)) for each in reply["results"]]
            return results[0] if several is None else results

    def trace(
        self, text: str, cells: Iterable[Json] = (), model: str | None = None, unknown: str | None = None
    ) -> Trace:
        """What the model does along the text. A cell is {"layer": 0, "unit": 5}; {"layer": 0} is all its units;
        "part": "cell" is an LSTM's internal memory instead of its output."""
        body = _given(text=text, cells=list(cells), model=model, unknown=unknown)
        reply = self.json("POST", "/trace", body)
        with _reading(reply):
            return Trace(*(reply[name] for name in ("tokens", "surprisal", "top", "cells", "model", "version")))

    def picture(self, text: str, cell: Json | None = None, model: str | None = None, kind: str = "image/png") -> bytes:
        """The text coloured by the cell, or by surprisal; `kind` may also be image/svg+xml."""
        body = _given(text=text, cells=[cell] if cell else None, model=model)
        return self._service.content("POST", "/trace", body, kind)

    def tokenize(self, text: str, model: str | None = None, unknown: str | None = None) -> list[int]:
        """The ids of the text."""
        return self._service.listed("POST", "/tokenize", "ids", _given(text=text, model=model, unknown=unknown))

    def detokenize(self, ids: list[int], model: str | None = None) -> str:
        """The text of the token ids."""
        reply = self.json("POST", "/detokenize", _given(ids=ids, model=model))
        with _reading(reply):
            return str(reply["text"])

    # Models and their versions

    def models(self) -> list[Json]:
        """Name, versions and aliases of every model, the newest first."""
        return self._service.all("/models", "models")

    def model(self, name: str) -> Json:
        """A model's versions with their records, the newest first, and its aliases with their history."""
        return self._service.whole(f"/models/{_part(name)}", "versions")

    def version(self, name: str, version: int) -> Json:
        """A version with its record."""
        return self.json("GET", _version(name, version))

    def version_curves(self, name: str, version: int) -> bytes:
        """The version's loss curves, as an SVG."""
        return self._service.content("GET", f"{_version(name, version)}/curves.svg")

    def weights(self, name: str, version: int, path: Path) -> Path:
        """Write the version's checkpoint file to `path`, completely or not at all (admin). Raises OSError too."""
        with self._service.reply("GET", f"{_version(name, version)}/weights") as reply:
            _check(reply)
            _write(path, self._service.pieces(reply))
        return path

    def publish(self, name: str, checkpoint: Path, promote: str | None = None) -> Json:
        """Import a checkpoint file as the model's next version (admin); `promote`: if_better, always or never."""
        path = _query(f"/models/{_part(name)}/versions", promote=promote)
        return self._service.upload(path, checkpoint, "application/octet-stream")

    def delete_version(self, name: str, version: int) -> None:
        """Delete a version that no alias points to (admin)."""
        self.json("DELETE", _version(name, version))

    def promote(self, name: str, version: int, alias: str = "current") -> Json:
        """Point the alias to the version (admin)."""
        return self.json("PUT", f"/models/{_part(name)}/aliases/{_part(alias)}", {"version": version})

    def alias(self, name: str, alias: str = "current") -> Json:
        """The version that the alias points to, and all its changes, the newest first."""
        return self._service.whole(f"/models/{_part(name)}/aliases/{_part(alias)}", "changes")

    def delete_alias(self, name: str, alias: str) -> None:
        """Delete the alias; its history is kept (admin)."""
        self.json("DELETE", f"/models/{_part(name)}/aliases/{_part(alias)}")

    def cells(self, name: str, version: int) -> Json:
        """What the version's cells follow (`cells`), how well, and the score by chance; what none follows
        (`not_found`); and what is `undecided`. Code `no_cells`: not searched yet."""
        return self.json("GET", f"{_version(name, version)}/cells")

    def find_cells(self, name: str, version: int, corpus: str | None = None, text: str | None = None) -> Json:
        """Find out on a corpus or a text what the version's cells follow, and record it (admin)."""
        return self.json("POST", f"{_version(name, version)}/cells", _given(corpus=corpus, text=text))

    def cell_picture(self, name: str, version: int, slug: str, kind: str = "png") -> bytes:
        """A text by the version, coloured by a cell; `slug` as in `cells`, `kind` png or svg."""
        return self._service.content("GET", f"{_version(name, version)}/cells/{_part(slug)}.{kind}")

    def evaluation(self, name: str, version: int) -> Json:
        """How good the version is on held-out records. Code `no_evaluation`: not measured."""
        return self.json("GET", f"{_version(name, version)}/evaluation")

    def gradients(self, name: str, version: int) -> Json:
        """How far back the version's gradients reach. Code `no_gradients`: not recorded."""
        return self.json("GET", f"{_version(name, version)}/gradients")

    def gradients_picture(self, name: str, version: int) -> bytes:
        """The same as an SVG."""
        return self._service.content("GET", f"{_version(name, version)}/gradients.svg")

    def compare_gradients(self, *references: str) -> Json:
        """The same for several versions (name, name@3, name@alias); by default the newest of each cell type."""
        return self.json("GET", _query("/gradients", versions=",".join(references) or None))

    def compared_gradients_picture(self, *references: str) -> bytes:
        """The same as an SVG."""
        return self._service.content("GET", _query("/gradients.svg", versions=",".join(references) or None))

    # Training: all of it an admin's

    def upload(self, path: Path, name: str | None = None, model: str | None = None, **parameters: Any) -> Json:
        """Upload a text to train on; with `model`, training starts at once. `parameters`: those of `POST /corpora`."""
        name = (name or path.name).encode("utf-8", "replace").decode()  # a file's name may have any bytes
        query = _query("/corpora", name=name, model=model, **parameters)
        return self._service.upload(query, path, "text/plain")

    def preview(self, path: Path, **parameters: Any) -> Json:
        """The first records of a file, as they would be trained on. `parameters`: those of `POST /corpora/preview`."""
        with path.open("rb") as file:
            start = file.read(PREVIEW_BYTES)
        query = _query("/corpora/preview", **parameters)
        return self._service.sent(query, start, "text/plain")

    def preview_corpus(self, corpus: str, **parameters: Any) -> Json:
        """The first records of a corpus; `parameters`: those of `GET /corpora/{id}/preview`."""
        return self.json("GET", _query(f"/corpora/{_part(corpus)}/preview", **parameters))

    def corpora(self) -> list[Json]:
        """All corpora, the newest first."""
        return self._service.all("/corpora", "corpora")

    def corpus(self, corpus: str) -> Json:
        """A corpus, by its id."""
        return self.json("GET", f"/corpora/{_part(corpus)}")

    def delete_corpus(self, corpus: str) -> None:
        """Delete a corpus that no job is using."""
        self.json("DELETE", f"/corpora/{_part(corpus)}")

    def train(self, corpus: str, model: str, **parameters: Any) -> Json:
        """Start a training job. `parameters` are those of `POST /jobs`."""
        return self.json("POST", "/jobs", _given(corpus=corpus, model=model, **parameters))

    def jobs(self) -> list[Json]:
        """All jobs, the newest first."""
        return self._service.all("/jobs", "jobs")

    def job(self, job: str) -> Json:
        """A job with its measurements and samples."""
        return self.json("GET", f"/jobs/{_part(job)}")

    def cancel(self, job: str) -> Json:
        """Cancel a job."""
        return self.json("POST", f"/jobs/{_part(job)}/cancel")

    def delete_job(self, job: str) -> None:
        """Delete a job that has ended, with everything but the version that it published."""
        self.json("DELETE", f"/jobs/{_part(job)}")

    def job_curves(self, job: str) -> bytes:
        """A job's losses, learning rate and gradients, as an SVG."""
        return self._service.content("GET", f"/jobs/{_part(job)}/curves.svg")

    def events(self, job: str, after: int = 0) -> Iterator[JobEvent]:
        """The job's events after the event `after`, past and live, until the job has ended. Go on if they break off."""
        path = f"/jobs/{_part(job)}/events"
        for id, kind, data in self._service.lasting_events("GET", path, after=str(after) if after else ""):
            after = int(id) if id.isdigit() else after
            yield JobEvent(after, kind, data)

    # The service itself

    def health(self) -> Json:
        """Whether the service is alive."""
        return self.json("GET", "/healthz")

    def ready(self) -> Json:
        """What is degraded; status 503 when it cannot generate now."""
        return self.json("GET", "/readyz")

    def key(self) -> Json:
        """What the key permits."""
        return self.json("GET", "/key")

    def metrics(self) -> str:
        """Metrics in Prometheus' format."""
        return self._service.content("GET", "/metrics").decode()

    def openapi(self) -> Json:
        """Every route, field and bound, as OpenAPI 3.1."""
        return self.json("GET", "/openapi.json")

    def json(self, method: str, path: str, body: Any = None) -> Json:
        """Call any route: the JSON object of its reply, empty for a 204."""
        return self._service.json(method, path, body)


class _Transport:
    """Sends requests and reads replies."""

    def __init__(self, url: str, key: str | None, timeout: float, retries: int, wait: float) -> None:
        self._connect, self._url, self._prefix = _opener(url, timeout)
        if key is not None and not (key.isascii() and key.isprintable()):
            raise ValueError("key must be printable ASCII: a header carries nothing else")
        self._key, self._timeout, self._retries, self._first_wait = key, timeout, retries, wait

    def json(self, method: str, path: str, body: Any = None) -> Json:
        """The JSON object of the reply, an empty one for a reply 204."""
        with self.reply(method, path, body) as reply:
            _check(reply)
            return {} if reply.status == 204 else _object(reply, b"".join(self.pieces(reply)))

    def listed(self, method: str, path: str, field: str, body: Any = None) -> list[Any]:
        """The list in one field of the reply's object."""
        reply = self.json(method, path, body)
        with _reading(reply):
            return list(reply[field])

    def whole(self, path: str, field: str) -> Json:
        """The reply whose list in one field the service returns in pages, with all of it."""
        first, *others = self.pages(path)
        with _reading(first):
            return {**first, field: [item for page in (first, *others) for item in page[field]]}

    def all(self, path: str, field: str) -> list[Any]:
        """The items of a list, which the service returns in pages."""
        found: list[Any] = []
        for page in self.pages(path):
            with _reading(page):
                found += page[field]
        return found

    def pages(self, path: str) -> Iterator[Json]:
        """The replies with the pages of a list, at least one."""
        after = None
        while True:
            page = self.json("GET", _query(path, after=after))
            yield page
            before, after = after, page.get("last_id")
            if not page.get("has_more") or after in (None, before):
                return

    def content(self, method: str, path: str, body: Any = None, accept: str = "") -> bytes:
        """The bytes of a reply that is not JSON."""
        with self.reply(method, path, body, {"Accept": accept} if accept else {}) as reply:
            _check(reply)
            return b"".join(self.pieces(reply))

    def upload(self, path: str, file: Path, content_type: str) -> Json:
        """Raises OSError for a file that cannot be read. Nothing of it is held in memory."""
        with file.open("rb") as body, self.reply("POST", path, body, {"Content-Type": content_type}) as reply:
            _check(reply)
            return _object(reply, b"".join(self.pieces(reply)))

    def sent(self, path: str, data: bytes, content_type: str) -> Json:
        """The JSON object of the reply to these bytes."""
        with self.reply("POST", path, data, {"Content-Type": content_type}) as reply:
            _check(reply)
            return _object(reply, b"".join(self.pieces(reply)))

    def lasting_events(
        self, method: str, path: str, body: Any = None, after: str = ""
    ) -> Iterator[tuple[str, str, Json]]:
        """The same as `events`; what breaks off goes on after the last event, with what the body is by then."""
        last = after

        def rest() -> Iterator[tuple[str, str, Json]]:
            nonlocal last
            for event in self.events(method, path, body, last):
                last = event[0] or last
                yield event

        # Events without ids are those of another service: it would begin again.
        return self._lasting(rest, lambda: bool(last))

    def lasting_records(self, body: Json) -> Iterator[Json]:
        """The lines of a reply of `POST /records`; what breaks off goes on after the last record."""
        left = _RecordsLeft(body)

        def rest() -> Iterator[Json]:
            for line in self.lines("POST", "/records", left.body(), left.begin):
                yield from left.passed_on(line)

        return self._lasting(rest, lambda: left.is_known)

    def _lasting(self, rest: Callable[[], Iterator[R]], begun: Callable[[], bool]) -> Iterator[R]:
        """All items of a reply: `rest` asks for those that were not received yet, once it has `begun` to be known which
        reply it is."""
        received, failures = False, 0
        while True:
            try:
                for item in rest():
                    received, failures = True, 0
                    yield item
                return
            except ServiceError as error:
                failures += 1
                is_known = begun()
                if failures > self._retries or (received and not is_known) or not _can_go_on(error, begun=is_known):
                    raise
            time.sleep(min(self._first_wait * 4 ** (failures - 1), LONGEST_WAIT))

    def events(self, method: str, path: str, body: Any = None, after: str = "") -> Iterator[tuple[str, str, Json]]:
        """The server-sent events of a reply, as (id, kind, data), to `[DONE]`, those after the event `after`. Raises
        what one of them says."""
        with self.reply(method, path, body, {"Last-Event-ID": after} if after else {}) as reply:
            _check(reply)
            if reply.status == 204:
                return
            if reply.headers.get_content_type() not in ("text/event-stream", "text/plain"):
                raise _unexpected(reply, "not a stream of events", reply.read(1000))
            for event in _events(self._lines(reply)):
                if event["data"] == "[DONE]":
                    return
                data = _object(reply, event["data"].encode())
                if isinstance(data.get("error"), Mapping):
                    raise _refusal(reply.status, data["error"], "")
                yield event.get("id", ""), event.get("event", ""), data
        raise ServiceError(0, "connection_lost", "the stream ended before it was complete")

    def lines(
        self, method: str, path: str, body: Any = None, begin: Callable[[Mapping[str, str]], None] = lambda _: None
    ) -> Iterator[Json]:
        """The JSON objects in the lines of a reply, to the one that says `done`; `begin` is called with its headers.
        Raises what one of them says."""
        with self.reply(method, path, body, {"Accept": JSON_LINES}) as reply:
            _check(reply)
            begin(cast(Mapping[str, str], reply.headers))
            if reply.headers.get_content_type() != JSON_LINES:
                raise _unexpected(reply, "not lines of JSON", reply.read(1000))
            for line in self._split(reply):
                value = _object(reply, line)
                if isinstance(value.get("error"), Mapping):
                    raise _refusal(reply.status, value["error"], "")
                yield value
                if value.get("done") is True:
                    return
        raise ServiceError(0, "connection_lost", "the stream ended before it was complete")

    @contextmanager
    def reply(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] = {}
    ) -> Iterator[http.client.HTTPResponse]:
        """The reply; the request is repeated after its Retry-After."""
        for attempt in range(self._retries + 1):
            with self._asked(method, path, body, headers) as reply:
                wait = _wait(reply) if attempt < self._retries and _can_be_sent_again(body) else None
                if wait is None:
                    yield reply
                    return
            time.sleep(wait)

    @contextmanager
    def _asked(
        self, method: str, path: str, body: Any, headers: Mapping[str, str]
    ) -> Iterator[http.client.HTTPResponse]:
        content, needed = _sendable(body)
        given = {**needed, **headers} | ({"Authorization": f"Bearer {self._key}"} if self._key else {})
        connection = self._connect()
        try:
            with self._connection_errors("not_reached", "the service cannot be reached at"):
                broken = None
                try:
                    connection.request(method, self._prefix + path, content, given)
                except ConnectionError as error:
                    broken = error
                reply = _reply_to(connection, broken)
            with reply:
                yield reply
        finally:
            connection.close()

    def pieces(self, reply: http.client.HTTPResponse) -> Iterator[bytes]:
        """The bytes of a reply, in pieces."""
        with self._connection_errors("connection_lost", "the reply broke off:"):
            while piece := reply.read(PIECE_BYTES):
                yield piece
            if reply.length:
                raise http.client.IncompleteRead(b"", reply.length)

    def _split(self, reply: http.client.HTTPResponse) -> Iterator[bytes]:
        """The lines of a reply as they arrive; much faster than reading line by line."""
        begun = b""
        with self._connection_errors("connection_lost", "the stream broke off:"):
            while piece := reply.read1(PIECE_BYTES):
                *lines, begun = (begun + piece).split(b"\n")
                yield from lines  # what follows the last line end is cut off

    def _lines(self, reply: http.client.HTTPResponse) -> Iterator[str]:
        with self._connection_errors("connection_lost", "the stream broke off:"):
            for line in reply:
                yield line.decode(errors="replace").rstrip("\r\n")

    @contextmanager
    def _connection_errors(self, code: str, what: str) -> Iterator[None]:
        """Raise errors of the connection as ServiceError."""
        try:
            yield
        except TimeoutError as error:
            message = f"the service at {self._url} did not answer within {self._timeout:g} s"
            raise ServiceError(0, "timeout", message) from error
        except (OSError, http.client.HTTPException, UnicodeError) as error:
            reason = (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
            raise ServiceError(0, code, f"{what} {self._url}: {reason}") from error


class _RecordsLeft:
    """What is to be asked for of a reply of records that has broken off: from the last record on, by its candidate, so
    that there is always one; with `unique` from the first one on, because what came before decides what is refused."""

    def __init__(self, body: Json) -> None:
        self._body = body
        self._passed_on = 0
        self._last: Json = {}
        self._repeated = self._before = self._tried = 0
        self.is_known = False
        """Whether the version and the seed of the reply are known."""

    def begin(self, headers: Mapping[str, str]) -> None:
        """Note what the headers of a reply say of it."""
        model, seed = headers.get("X-Model"), headers.get("X-Seed", "")
        if model and seed.removeprefix("-").isdecimal():
            self._body = {**self._body, "model": model, "seed": int(seed)}
            self.is_known = True

    def body(self) -> Json:
        """The next request's."""
        self._repeated = self._passed_on
        if not self._passed_on or self._body.get("unique"):
            return self._body
        offset = self._body.get("offset", 0)
        with _reading(self._last):
            candidate = (self._last["seed"] - self._body["seed"]) % (1 << 64)
        self._repeated, self._before, self._tried = 1, self._passed_on - 1, candidate - offset
        return {**self._body, "count": self._body["count"] - self._before, "offset": candidate}

    def passed_on(self, line: Json) -> Iterator[Json]:
        """The line as one of the whole reply, unless it was passed on before."""
        if "done" in line:
            with _reading(line):
                yield {**line, "count": line["count"] + self._before, "tried": line["tried"] + self._tried}
        elif self._repeated:
            self._repeated -= 1
        else:
            self._passed_on, self._last = self._passed_on + 1, line
            yield {**line, "index": self._passed_on - 1} if "index" in line else line


def _opener(url: str, timeout: float) -> tuple[Callable[[], http.client.HTTPConnection], str, str]:
    """A function that opens a connection, the URL for messages, and the prefix of paths."""
    try:
        parts = urlsplit(url if "//" in url else f"http://{url}")
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError(f"url {url!r} cannot be used: {error}") from error
    kinds = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}
    if not host or parts.scheme not in kinds or not url.isascii() or not url.isprintable() or " " in url:
        raise ValueError(f"url must look like {DEFAULT_URL}, not {url!r}")
    kind = kinds[parts.scheme]
    address = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    return lambda: kind(host, port, timeout=timeout, blocksize=PIECE_BYTES), address, parts.path.rstrip("/")


def _part(name: str) -> str:
    """One part of a path, escaped."""
    return quote(name, safe="")


def _version(name: str, version: int) -> str:
    return f"/models/{_part(name)}/versions/{version}"


def _query(path: str, **fields: Any) -> str:
    given = {name: json.dumps(each) if isinstance(each, Mapping) else each for name, each in _given(**fields).items()}
    query = urlencode(given, errors="surrogateescape")
    return f"{path}?{query}" if query else path


def _given(**fields: Any) -> Json:
    """The fields that are not None; an underscore at the end of a name, as of `continue_`, is for Python alone."""
    return {name.removesuffix("_"): value for name, value in fields.items() if value is not None}


def _pattern(regex: str | None, choice: Iterable[str] | None, json_schema: Json | str | None) -> Json:
    """The fields that say what a text has to fit, as far as they are given."""
    choices = choice if choice is AS_IT_WAS or choice is None or isinstance(choice, str) else list(choice)
    fields = {"regex": regex, "choice": choices, "json_schema": json_schema}
    return {name: value for name, value in fields.items() if value is not AS_IT_WAS}


def _known(kind: type, values: Json) -> Json:
    """The values of the fields that this version of the client knows."""
    return {each.name: values[each.name] for each in fields(kind) if each.name in values}


def _sendable(body: Any) -> tuple[Body, dict[str, str]]:
    """The body to send and its headers: bytes as they are, a file from its beginning, anything else as JSON."""
    if body is None or isinstance(body, bytes):
        return body, {}
    if not hasattr(body, "read"):
        return json.dumps(body).encode(), {"Content-Type": "application/json"}
    if not _can_be_sent_again(body):
        return iter(lambda: body.read(PIECE_BYTES), b""), {}
    size = os.fstat(body.fileno()).st_size
    body.seek(0)
    return _announced(body, size), {"Content-Length": str(size)}


def _can_be_sent_again(body: Any) -> bool:
    """Whether a body can be sent again: not if it is a pipe."""
    return not hasattr(body, "read") or stat.S_ISREG(os.fstat(body.fileno()).st_mode)


def _announced(file: IO[bytes], size: int) -> Iterator[bytes]:
    """The bytes of the file, exactly as many as were announced."""
    while size:
        piece = file.read(min(PIECE_BYTES, size))
        if not piece:
            raise ServiceError(0, "file_changed", f"{file.name} became shorter while it was sent")
        size -= len(piece)
        yield piece


def _reply_to(connection: http.client.HTTPConnection, broken: ConnectionError | None) -> http.client.HTTPResponse:
    """The reply, which may exist even if the connection broke while the body was sent: a server that refuses a body
    need not read all of it."""
    if broken is not None and connection.sock is None:
        raise broken
    try:
        return connection.getresponse()
    except (OSError, http.client.HTTPException) as error:
        raise broken or error from None


def _events(lines: Iterable[str]) -> Iterator[dict[str, str]]:
    """Parse server-sent events: the fields of each event that has data."""
    event: dict[str, str] = {}
    for line in lines:
        if line:
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            event[name] = f"{event[name]}\n{value}" if name == "data" and name in event else value
        else:
            if "data" in event:
                yield event
            event = {}


def _can_go_on(error: ServiceError, *, begun: bool) -> bool:
    """Whether a stream can go on after this error. One that has begun also outlasts a server or a proxy that is busy or
    not there for a while, and a connection that has fallen silent; before, it fails at once, as any request does."""
    if error.code in ("connection_lost", "server_ending", "shutting_down"):
        return True
    if not begun:
        return isinstance(error.__cause__, ConnectionResetError)  # a server that ended before it replied
    passing = error.status in (429, 502, 503, 504) or error.code in ("not_reached", "timeout")
    return passing and error.code != "deadline_exceeded"


def _first_seed(seed: int, index: int) -> int:
    """The seed of the request of which choice `index` has this seed: they follow each other, in signed 64 bits."""
    return (seed - index + (1 << 63)) % (1 << 64) - (1 << 63)


def _wait(reply: http.client.HTTPResponse) -> float | None:
    """Seconds after which to repeat the request; None if the reply is final, has no Retry-After, or one that is too
    long."""
    if reply.status not in (429, 503) or reply.headers.get("X-Should-Retry") == "false":
        return None
    seconds = _seconds(reply.headers.get("Retry-After", "").strip())
    return seconds if seconds is not None and seconds <= LONGEST_WAIT else None


def _seconds(retry_after: str) -> float | None:
    """Retry-After, which is a number of seconds or a date (RFC 9110, 10.2.3); a time that has passed is 0."""
    try:
        seconds = float(retry_after)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(retry_after).timestamp() - time.time()
        except (ValueError, OverflowError, OSError):
            return None
    return max(seconds, 0.0) if math.isfinite(seconds) else None


def _check(reply: http.client.HTTPResponse) -> None:
    """Raises ServiceError for a reply that is not a success."""
    if 200 <= reply.status < 300:
        return
    data = b""
    with contextlib.suppress(OSError, http.client.HTTPException):
        data = reply.read(PIECE_BYTES)
    status_line = f"{reply.status} {reply.reason}".strip()
    if 300 <= reply.status < 400:
        status_line = (
            f"{status_line}: the service is not here, but at {reply.headers.get('Location', 'an address not named')}"
        )
        raise ServiceError(reply.status, "unexpected_reply", status_line)
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        raise _unexpected(reply, status_line, data) from None
    error = value.get("error") if isinstance(value, Mapping) else value
    raise _refusal(reply.status, error, status_line) if error else _unexpected(reply, status_line, data)


def _refusal(status: int, error: Any, status_line: str) -> ServiceError:
    """The ServiceError for an error in the API's format, even if parts are missing."""
    if not isinstance(error, Mapping):
        return ServiceError(status, "unexpected_reply", f"{status_line}: {error}")
    param = error.get("param")
    message, code = error.get("message") or status_line, error.get("code") or "unexpected_reply"
    more = {name: value for name, value in error.items() if name not in ("type", "code", "message", "param")}
    return ServiceError(status, str(code), str(message), None if param is None else str(param), more)


def _unexpected(reply: http.client.HTTPResponse, status_line: str, data: bytes) -> ServiceError:
    """The ServiceError for a reply that is not this service's, with its first characters."""
    begins = " ".join(data.decode(errors="replace").split())[:200]
    return ServiceError(reply.status, "unexpected_reply", f"{status_line}: {begins}" if begins else status_line)


def _object(reply: http.client.HTTPResponse, data: bytes) -> Json:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise _unexpected(reply, f"{reply.status}, but not with a JSON object", data)
    return value


@contextmanager
def _reading(reply: Json) -> Iterator[None]:
    """Raise ServiceError if fields of a reply are missing or have another type: it is then not this service's."""
    try:
        yield
    except (LookupError, TypeError, AttributeError) as error:
        message = f"this is no reply of the service ({type(error).__name__}: {error}): {str(reply)[:200]}"
        raise ServiceError(200, "unexpected_reply", message) from error


def _write(path: Path, pieces: Iterator[bytes]) -> None:
    """Write the file atomically."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with draft.open("wb") as file:
            file.writelines(pieces)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
