"""gunicorn's configuration for the web processes, derived from the settings."""

import signal
import sys
from types import FrameType
from typing import Any

from service import address, logs
from service.bootstrap.web_process import WebProcess
from service.processes import preflight
from service.processes.announcement import announcement
from service.processes.metrics_folder import MetricsFolder, folder_for, heartbeat_folder
from service.processes.serving import ERROR_SECONDS, GRACEFUL_SECONDS
from service.settings import read_settings
from service.supervised import Supervised, delay

WEB_PROCESS = "web process"
"""How `/readyz` calls one that does not stay up; `web` is their master."""

_settings = read_settings()
preflight.check_data(_settings)

bind = address.bind(_settings.host, _settings.port)
worker_class = "service.processes.web_server.worker.GunicornWorker"
workers = _settings.web_workers
threads = _settings.web_threads
http_parser = "python"  # tested; another one would be used where it is installed
worker_connections = 16_384  # fewer if the system allows fewer files; nearly all wait for a request, and need no thread
backlog = 4096  # connections that wait to be accepted; the system's bound is usually the same
preload_app = False  # torch and fork do not mix
keepalive = 30
timeout = 120  # until a process whose event loop hangs is replaced; a request may take longer
graceful_timeout = GRACEFUL_SECONDS
worker_tmp_dir = str(heartbeat_folder(_settings))
_metrics = MetricsFolder(folder_for(_settings))
_ended = _metrics.path / "ended.json"
_report = Supervised(_ended)
wsgi_app = f"service.processes.web:start({str(_ended)!r})"
raw_env = [f"PROMETHEUS_MULTIPROC_DIR={_metrics.path}", "SCRIPT_NAME=", *_settings.without_files()]
logger_class = "service.processes.web_server.worker.Log"
loglevel = "warning"
forwarder_headers = forwarded_allow_ips = ""  # no client, not even a local one, may set its path or scheme by a header
secure_scheme_headers: dict[str, str] = {}  # the application reads the headers of TRUSTED_PROXIES
control_socket_disable = True
logconfig_dict = logs.gunicorn_configuration(_settings)


def on_starting(_server: Any) -> None:
    """In gunicorn's master: prepare what the web processes share."""
    logs.never_wait(_settings)
    _metrics.begin()


def on_exit(_server: Any) -> None:
    """Remove the folder for metrics."""
    _metrics.end()


def pre_fork(_server: Any, worker: Any) -> None:
    """In gunicorn's master, which starts another web process at once when one has ended; it waits itself."""
    worker.not_before = _report.due(WEB_PROCESS)


def child_exit(server: Any, worker: Any) -> None:
    """In gunicorn's master, when a web process has ended: unexpectedly, if one is missing now."""
    if not server.LISTENERS or len(server.WORKERS) >= server.num_workers:
        return
    failed = _report.ended(WEB_PROCESS, has_siblings=True)
    when = f" in {delay(failed)} s: {failed} in a row have not stayed up" if delay(failed) else ""
    server.log.warning("web process %s ended unexpectedly; another is started%s", worker.pid, when)


def post_worker_init(worker: Any) -> None:
    """Announce the service when its first process can answer, not when the port is bound."""
    _end_requests_before_gunicorn(worker)
    if worker.age == 1 and worker.alive:
        sys.stdout.write(announcement(_settings))


def worker_exit(_server: Any, worker: Any) -> None:
    """Runs in the process that ends."""
    if (process := getattr(worker, "wsgi", None)) is not None:
        process.complete()


def _end_requests_before_gunicorn(worker: Any) -> None:
    """At SIGTERM gunicorn cuts off requests after GRACEFUL_SECONDS; shortly before that, they are ended with an
    error."""
    go_on = signal.getsignal(signal.SIGTERM)
    process: WebProcess = worker.wsgi

    def end(number: int, frame: FrameType | None) -> None:
        process.begin_end(GRACEFUL_SECONDS - ERROR_SECONDS)
        if callable(go_on):
            go_on(number, frame)

    signal.signal(signal.SIGTERM, end)
