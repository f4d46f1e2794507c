"""`charrnn train`: trains on a text and publishes a model, in one terminal; needs neither a server nor a queue."""

from __future__ import annotations

import argparse
import json
import logging
import shlex
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Event
from types import FrameType

from charrnn.wording import count
from console.program import INTERRUPTED
from durable.objects import StoreUnavailableError
from durable.reading import DamagedFileError
from model_store.errors import StoreError
from service.address import HERE, url
from service.bootstrap.training import build_trainer
from service.commands import train_arguments
from service.commands.job_display import Follower, duration
from service.processes.preflight import StartError
from service.settings import Settings
from service.training.corpora.conversion import AS_FOUND, Conversion
from service.training.corpora.corpus import name_of
from service.training.corpora.decoding import CHUNK
from service.training.errors import TrainingError
from service.training.jobs.job import Job
from service.training.queue.submission import check_corpus, create_job
from service.training.units import KIND, in_words


def train(parsed: argparse.Namespace, settings: Settings, program: str, began: float) -> int:
    """Run the command and show its progress on standard output; `program` is the name under which it was called,
    `began` its start by time.monotonic: a budget in minutes includes the start of the program.

    Returns the exit status: 0 published, 1 failed or cancelled, 130 interrupted and saved. Raises StartError if it
    cannot start.
    """
    # Errors are shown by this command itself; LOG_LEVEL=debug shows the log too.
    logging.basicConfig(level=logging.DEBUG if settings.log_level == "debug" else logging.CRITICAL)
    try:
        command = _Command(settings, program, began)
        if parsed.resume:
            return command.run(parsed.resume)
        return command.run(command.begin(parsed).id)
    except (TrainingError, StoreError, DamagedFileError, StoreUnavailableError, ValueError) as error:
        raise StartError(str(error)) from error


class _Command:
    """The stores in DATA_DIR, shared with a running service, and the output."""

    def __init__(self, settings: Settings, program: str, began: float) -> None:
        self._program = program
        self._address = url(HERE, settings.port)
        self._began = began
        self._out = sys.stdout
        training = build_trainer(settings)
        training.mirror.refresh()
        training.mirror.start()
        self._jobs, self._corpora, self._models = training.jobs, training.corpora, training.models
        self._runner = training.runner

    def begin(self, parsed: argparse.Namespace) -> Job:
        """Store the text and create the job."""
        if not parsed.file or not parsed.model:
            raise StartError("train needs a FILE and a --model, or --resume JOB")
        request = train_arguments.request(parsed)
        path = Path(parsed.file)
        try:
            with path.open("rb") as file:
                corpus, _ = self._corpora.add(
                    iter(lambda: file.read(CHUNK), b""),
                    name_of(path.name),
                    conversion=Conversion(parsed.encoding, parsed.newlines or AS_FOUND.newlines),
                    check=lambda corpus, text: check_corpus(corpus, text, request),
                )
        except OSError as error:
            raise StartError(f"{error.filename or path}: {error.strerror}") from error
        self._say(f"{path}: {count(corpus.characters, 'character', ',')}, {corpus.vocabulary_size} different")
        self._say(f"read as {corpus.encoding}: {next(iter(corpus.preview), '')[:100]}")
        return create_job(replace(request, corpus=corpus.id), self._corpora, self._jobs, self._models)

    def run(self, job: str) -> int:
        """Train and show progress, to the end or until Ctrl-C."""
        self._jobs.get(job)
        self._say(f"job {job} (Ctrl-C saves it)")
        stop = Event()
        with _interrupts(stop):
            follower = Follower(self._jobs, job, self._out)
            try:
                outcome = self._runner.run(job, stop, self._began)
            finally:
                follower.close()
        if outcome == "not mine":
            raise StartError(f"another worker is running job {job}")
        return self._conclude(self._jobs.get(job))

    def _conclude(self, job: Job) -> int:
        if not job.is_final:
            self._say(f"saved; resume with: {self._program} train --resume {job.id}")
            self._say("(a service running on the same DATA_DIR resumes it by itself)")
            return INTERRUPTED
        if job.status != "succeeded":
            self._say(f"{job.status}: {job.state.error or 'on request'}")
            return 1
        self._say_published(job)
        return 0

    def _say_published(self, job: Job) -> None:
        name, version = job.request.model, job.state.version
        self._say(f"published {name}@{version}" + (", now current" if job.state.promoted else ""))
        record = self._models.describe(name, version or 0).record
        loss, bits = record.validation_loss, record.bits_per_character
        if loss is not None and bits is not None:
            self._say(f"validation loss {loss:.4f} nats per token, {bits:.3f} bits per character")
        cells = self._models.kept(name, version or 0, KIND)
        if cells is not None and (found := in_words(cells)):
            self._say(found)
        self._say(f"took {duration(time.monotonic() - self._began)}")
        body = {"model": name if job.state.promoted else f"{name}@{version}", "prompt": "", "length": 500}
        asked = (
            f"curl -s {self._address}/generate -H 'Content-Type: application/json' -d {shlex.quote(json.dumps(body))}"
        )
        self._say(f"to generate, start the service ({self._program}), then:\n  {asked}")

    def _say(self, text: str) -> None:
        self._out.write(text + "\n")
        self._out.flush()


@contextmanager
def _interrupts(stop: Event) -> Iterator[None]:
    """Ctrl-C and SIGTERM set `stop`; a second Ctrl-C ends at once."""

    def handle(_number: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
