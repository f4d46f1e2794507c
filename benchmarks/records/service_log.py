"""Lines of this service's own log, as its formatters write them, and odd ones among them."""

from __future__ import annotations

import base64
import json
import logging
import random
import re
import string
from collections.abc import Callable, Iterable, Iterator

from durable.clock import iso
from service.logs import JsonFormatter, RequestLog
from service.settings import Settings

BEGAN = 1_790_000_000.0
SECONDS_BETWEEN = 0.4
MESSAGES = (
    ("service.training.worker.runner", "info", "job {job} published {model}@{version}, promoted"),
    ("service.training.worker.job_trainer", "info", "job {job} begins: lstm 1x{size}, {tokens} tokens on {model}"),
    ("service.training.worker.job_trainer", "info", "job {job} resumes at step {step}"),
    ("service.generation.resident", "info", "{model} version {version} loaded in 0.{tokens} s"),
    ("service.generation.cache", "warning", "cache: Redis is not available (ConnectionError); continuing without it"),
    ("service.training.worker.worker", "info", "worker {step} takes jobs from redis://127.0.0.1:6379"),
)
MODELS = ("shakespeare", "names", "recipes", "linux", "tunes")
REQUESTS = (  # (how often, method, path, (status, how often), usual milliseconds)
    (400, "POST", "/generate", ((200, 94), (422, 4), (429, 2)), 9.0),
    (150, "POST", "/v1/completions", ((200, 96), (422, 4)), 14.0),
    (60, "POST", "/score", ((200, 97), (422, 3)), 4.0),
    (30, "POST", "/tokenize", ((200, 99), (422, 1)), 0.4),
    (100, "GET", "/healthz", ((200, 1),), 0.2),
    (60, "GET", "/metrics", ((200, 1),), 2.5),
    (40, "GET", "/models/{model}", ((200, 95), (404, 5)), 1.2),
    (30, "GET", "/models/{model}/versions/{version}", ((200, 1),), 1.5),
    (30, "GET", "/jobs/{job}", ((200, 1),), 1.0),
    (20, "GET", "/ui/play", ((200, 3), (304, 7)), 0.8),
    (30, "GET", "/ui/static/{script}.js", ((200, 3), (304, 7)), 0.5),
    (5, "POST", "/corpora", ((201, 9), (401, 1)), 40.0),
    (5, "PUT", "/models/{model}/aliases/current", ((200, 8), (403, 2)), 6.0),
)
TRACE = (
    'Traceback (most recent call last):\n  File "service/generation/scoring.py", line 88, in score\n'
    "    found = next(outputs)\nStopIteration"
)
NGINX = '203.0.113.9 - - [12/Oct/2026:06:12:{second} +0000] "GET / HTTP/1.1" 200 {bytes} "-" "Mozilla/5.0"'
ITEM = re.compile(r'"(\w+)": ("[^"]*"|[\d.]+)')

Odd = Callable[[random.Random, str], str]


class Log:
    """Lines without their ends, one after the other in time: requests, and now and then something else."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self._seconds = BEGAN
        self._written: list[bytes] = []
        self._requests = RequestLog(Settings(log_format="json"), self._written.append)
        self._weights = [each[0] for each in REQUESTS]

    def line(self) -> str:
        self.wait(self.rng.expovariate(1 / SECONDS_BETWEEN))
        return self._message() if self.rng.random() < 0.01 else self._request()

    def wait(self, seconds: float) -> None:
        self._seconds += seconds

    def _request(self) -> str:
        _, method, path, statuses, usual = self.rng.choices(REQUESTS, self._weights)[0]
        status = self.rng.choices([each[0] for each in statuses], [each[1] for each in statuses])[0]
        seconds = usual * self.rng.lognormvariate(0, 0.6) / 1000
        return self.request(method, path.format(**self._words()), status, seconds)

    def request(self, method: str, path: str, status: int, seconds: float) -> str:
        self._requests.request(method, path, status, seconds, f"{self.rng.getrandbits(128):032x}")
        return changed(self._written.pop().decode().rstrip(), time=iso(self._seconds))

    def _message(self) -> str:
        logger, level, message = self.rng.choice(MESSAGES)
        return self.message(logger, level, message.format(**self._words()))

    def message(self, logger: str, level: str, message: str) -> str:
        record = logging.LogRecord(logger, logging.getLevelName(level.upper()), "", 0, message, None, None)
        record.created = self._seconds
        return JsonFormatter().format(record)

    def _words(self) -> dict[str, object]:
        rng = self.rng
        return {
            "job": f"2026092{rng.randrange(1, 3)}-{rng.randrange(10**6):06}-{rng.getrandbits(24):06x}",
            "model": rng.choice(MODELS),
            "script": rng.choice(("play", "models", "train", "charts", "cells")),
            "size": rng.choice((128, 256, 384)),
            "step": rng.randrange(1, 20_000),
            "tokens": rng.randrange(60, 200),
            "version": rng.randrange(1, 30),
        }


def items(line: str) -> list[tuple[str, str]]:
    """The fields of a line and their values as they stand there."""
    return ITEM.findall(line)


def joined(found: Iterable[tuple[str, str]]) -> str:
    return "{" + ", ".join(f'"{name}": {value}' for name, value in found) + "}"


def changed(line: str, **values: object) -> str:
    """A line with other values in some of its fields, or with more fields."""
    return joined({**dict(items(line)), **{name: json.dumps(value) for name, value in values.items()}}.items())


def misspelt(rng: random.Random, line: str) -> str:
    """Two neighbours of a word have changed places."""
    at = line.index('"path"') + rng.randrange(1, 4)
    return line[:at] + line[at + 1] + line[at] + line[at + 2 :]


def in_another_order(rng: random.Random, line: str) -> str:
    return joined(rng.sample(found := items(line), len(found)))


def without_a_field(rng: random.Random, line: str) -> str:
    missing = rng.choice(("level", "logger", "path", "ms"))
    return joined(each for each in items(line) if each[0] != missing)


def of_another_program(rng: random.Random, _: str) -> str:
    return NGINX.format(second=rng.randrange(10, 60), bytes=rng.randrange(200, 9000))


def random_bytes(rng: random.Random, _: str) -> str:
    return base64.b64encode(rng.randbytes(rng.randrange(60, 120))).decode()


def unforeseen(_: random.Random, line: str) -> str:
    return changed(line, level="error", message="unforeseen error", trace=TRACE)


def not_allowed(_: random.Random, line: str) -> str:
    return changed(line, method="DELETE", path="/generate", status=405)


ODD: dict[str, Odd] = {
    "an attack in the path": lambda rng, line: changed(
        line, path=rng.choice(("/../../etc/passwd", "/wp-login.php", "/generate?id=1' OR '1'='1", "/.env"))
    ),
    "an unforeseen error": unforeseen,
    "cut off": lambda rng, line: line[: rng.randrange(40, len(line) - 20)],
    "two lines in one": lambda rng, line: line[: rng.randrange(40, 100)] + line,
    "a method that the path has not": not_allowed,
    "a very slow request": lambda rng, line: changed(line, ms=round(rng.uniform(20_000, 90_000), 2)),
    "misspelt": misspelt,
    "in another order": in_another_order,
    "without a field": without_a_field,
    "another program's line": of_another_program,
    "random bytes in base 64": random_bytes,
    "another level": lambda rng, line: changed(line, level=rng.choice(("critical", "debug", "fatal"))),
}
"""Kinds of odd lines, each made of a request's line."""


def lines(count: int, seed: int) -> list[str]:
    log = Log(seed)
    return [log.line() for _ in range(count)]


def odd_lines(count: int, among: int, seed: int) -> Iterator[tuple[str, str]]:
    """(kind, line), the kinds in turn, spread over the time of so many usual lines."""
    log = Log(seed)
    kinds = list(ODD.items())
    for at in range(count):
        log.wait(log.rng.expovariate(1 / SECONDS_BETWEEN) * among / count)
        kind, make = kinds[at % len(kinds)]
        yield kind, make(log.rng, log.request("POST", "/generate", 200, 0.009 * log.rng.lognormvariate(0, 0.6)))


def altered(line: str, rng: random.Random) -> tuple[str, str]:
    """(kind, line): a line of any log, with something wrong in it."""
    at = rng.randrange(5, max(6, len(line) - 5))
    kinds = {
        "cut off": line[:at],
        "two lines in one": line[:at] + line,
        "letters exchanged": line[:at] + "".join(rng.choices(string.ascii_lowercase, k=6)) + line[at + 6 :],
        "words in another order": " ".join(rng.sample(words := line.split(), len(words))),
    }
    return rng.choice(list(kinds.items()))
