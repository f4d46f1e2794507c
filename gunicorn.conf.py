"""How gunicorn runs the web processes: the settings in gunicorn's own words."""

import sys
from pathlib import Path
from typing import Any

from service.announcement import announcement
from service.serving import GRACEFUL_SECONDS
from service.settings import Settings

_settings = Settings()

wsgi_app = "service.web:create_app()"
bind = f"[{_settings.host}]:{_settings.port}" if ":" in _settings.host else f"{_settings.host}:{_settings.port}"
worker_class = "gthread"
workers = _settings.web_workers
threads = _settings.web_threads
preload_app = False  # torch and fork do not mix
keepalive = 30
timeout = 120  # until a process that no longer turns its own loop is replaced; a request may take longer
graceful_timeout = GRACEFUL_SECONDS
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None
accesslog = None  # the application logs a line a request
loglevel = "warning"
control_socket_disable = True


def post_worker_init(worker: Any) -> None:
    """Say where the service is when its first process can answer, not when the port is merely bound."""
    if worker.age == 1:
        sys.stdout.write(announcement(_settings))
        sys.stdout.flush()
