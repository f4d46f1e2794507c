"""The whole service on one machine: which processes it consists of and what is checked first."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from service.logs import chosen_format
from service.processes import preflight
from service.processes.embedded_redis import embedded_redis
from service.processes.supervision import Program, supervise
from service.settings import Settings

GRACEFUL_SECONDS = 10
"""What running requests get to finish once the web processes are to end."""

QUIET_THREADS = {"OMP_WAIT_POLICY": "passive"}
"""Torch's threads sleep instead of spinning while they wait for each other, on cores that others use as well. Training
shares its work out by itself; this is for what goes on around it."""

ONE_PRODUCT_THREAD = {"OPENBLAS_NUM_THREADS": "1"}
"""Numpy multiplies in the thread that asks: others would spin on cores that other requests and training need."""

ERROR_SECONDS = 2
"""The last of them, in which requests that were not finished get an error."""

GUNICORN_CONFIGURATION = "python:service.processes.gunicorn_config"


def serve(settings: Settings) -> int:
    """Run web processes, worker and (without REDIS_URL) a Redis-compatible server until a signal; the exit status.

    Raises StartError when something needed is taken or missing, before anything has been started.
    """
    preflight.check_redis_url("REDIS_URL", settings.redis_url)
    preflight.check_redis_url("CACHE_URL", settings.cache_url)
    with preflight.lock(settings.data):
        preflight.check_address(settings.host, settings.port)
        preflight.check_device(settings.device)
        if not preflight.has_torch():
            sys.stderr.write("service: no worker is started: training needs torch, which is not installed here\n")
        return supervise(programs(settings), settings.data.run)


def programs(settings: Settings) -> list[Program]:
    """The processes, in the order in which they start; they end in the reverse order."""
    # The processes write to a pipe: whether a person looks on is known here only.
    environment = {"LOG_FORMAT": chosen_format(settings), "PYTHONPATH": _search_path()}
    if not settings.embedded_redis:
        return _own_programs(environment)
    server = embedded_redis(settings.data)
    return [Program("redis", server.command), *_own_programs(environment | {"REDIS_URL": server.url})]


def _search_path() -> str:
    """Where this process finds its modules, and only after that the folder in which it runs: with it and -P a folder
    there that is named `service` is not taken for this package. gunicorn puts the folder first unless it is named."""
    return os.pathsep.join([*filter(None, sys.path), str(Path.cwd())])


def _own_programs(environment: dict[str, str]) -> list[Program]:
    worker = (sys.executable, "-P", "-m", "service.processes.worker")
    web = (sys.executable, "-P", "-m", "gunicorn", "-c", GUNICORN_CONFIGURATION)
    training = [Program("worker", worker, {**environment, **QUIET_THREADS}, stop_seconds=20)]
    return [
        *(training if preflight.has_torch() else []),
        Program("web", web, {**environment, **ONE_PRODUCT_THREAD}, stop_seconds=GRACEFUL_SECONDS + 5),
    ]
