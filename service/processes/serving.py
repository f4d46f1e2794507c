"""The whole service on one machine: its processes, and what is checked before they start."""

from __future__ import annotations

import os
import sys
from functools import partial
from pathlib import Path

from service.logs import chosen_format
from service.output import STANDARD_ERROR
from service.processes import preflight, priority
from service.processes.embedded_redis import embedded_redis
from service.processes.orphans import Orphans
from service.processes.redis_repair import set_damaged_aside
from service.processes.supervision import Program, supervise
from service.settings import Settings
from service.supervised import Supervised

GRACEFUL_SECONDS = 10
"""How long running requests may take to finish when the web processes are stopped."""

QUIET_THREADS = {"OMP_WAIT_POLICY": "passive"}
"""Torch's threads sleep instead of spinning while they wait for each other, because other processes need the cores.
Training divides its work among processes itself; this concerns everything around it."""

ONE_PRODUCT_THREAD = {"OPENBLAS_NUM_THREADS": "1"}
"""Numpy multiplies in the calling thread: further threads would spin on cores that other requests and training need."""

ERROR_SECONDS = 2
"""How long before the end of that time unfinished requests get an error."""

GUNICORN_CONFIGURATION = "python:service.processes.gunicorn_config"


def serve(settings: Settings) -> int:
    """Run web processes, worker and (without REDIS_URL) a Redis-compatible server until a signal; returns the exit
    status.

    Raises StartError, before anything is started, if something needed is in use or missing.
    """
    preflight.open_standard_streams()
    with preflight.lock(settings.data):
        _check_store(settings)
        _await_orphans(settings)
        preflight.check_address(settings.host, settings.port)
        preflight.check_device(settings.device)
        if not preflight.has_torch():
            _say("no worker is started: training needs torch, which is not installed here")
        return supervise(programs(settings), settings.data.run, Supervised(settings.data.processes))


def _check_store(settings: Settings) -> None:
    """Raises StartError."""
    if away := preflight.check_store(settings):
        _say(away)
    if settings.store_url and settings.embedded_redis:
        _say(
            "REDIS_URL is empty: this machine has a Redis of its own, so that changes by others are seen within ten"
            " seconds instead of two, and nothing is cached for them"
        )


def _await_orphans(settings: Settings) -> None:
    """Wait until what a killed supervisor left behind no longer listens; it may finish its requests meanwhile."""
    if left := Orphans(settings.data.run):
        _say("processes of an earlier start, whose supervisor was killed, are ending; waiting for the port")
        left.make_way(lambda: preflight.is_free(settings.host, settings.port))


def programs(settings: Settings) -> list[Program]:
    """The processes, in the order in which they start; they are stopped in reverse order."""
    # The processes write to a pipe: only here is it known whether the output is a terminal.
    environment = {"LOG_FORMAT": chosen_format(settings), "PYTHONPATH": _search_path()}
    if not settings.embedded_redis:
        return _own_programs(environment)
    server = embedded_redis(settings.data, settings.cache_bytes)
    redis = Program("redis", server.command, mend=partial(set_damaged_aside, server, settings.data))
    return [redis, *_own_programs(environment | {"REDIS_URL": server.url})]


def _search_path() -> str:
    """This process's module search path, followed by its working directory. With it and -P, a folder named `service` in
    the working directory is not mistaken for this package; gunicorn would put the working directory first if it were
    not listed."""
    return os.pathsep.join([*filter(None, sys.path), str(Path.cwd())])


def _say(message: str) -> None:
    STANDARD_ERROR.write(f"service: {message}\n".encode())


def _own_programs(environment: dict[str, str]) -> list[Program]:
    worker = priority.lowered((sys.executable, "-P", "-m", "service.processes.worker"))
    web = (sys.executable, "-P", "-m", "gunicorn", "-c", GUNICORN_CONFIGURATION)
    training = [Program("worker", worker, {**environment, **QUIET_THREADS}, stop_seconds=20)]
    return [
        *(training if preflight.has_torch() else []),
        Program("web", web, {**environment, **ONE_PRODUCT_THREAD}, stop_seconds=GRACEFUL_SECONDS + 5),
    ]
