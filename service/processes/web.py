"""The WSGI application that gunicorn serves in each web process."""

from __future__ import annotations

import os
from pathlib import Path

from service import logs
from service.bootstrap.starter import put_starter
from service.bootstrap.stores import open_stores
from service.bootstrap.web import build_web
from service.bootstrap.web_process import WebProcess
from service.generation.engines import BuildEngine
from service.settings import Settings


def start(ended: str | None = None, engines: BuildEngine | None = None) -> WebProcess:
    """Start the web process with the settings of the environment; called in each web process after the fork.

    `ended`: the path of the file that says which web processes have ended (Supervised); `engines` as in `build_web`.
    """
    settings = Settings()
    logs.configure(settings)
    stores, master = open_stores(settings), os.getppid()
    if stores.mirror.is_filled():
        put_starter(stores.models)  # before the first request
    process = build_web(
        settings,
        stores=stores,
        engines=engines,
        ended=Path(ended) if ended else None,
        master=master,
        begun=put_starter,
    )
    process.start()
    return process
