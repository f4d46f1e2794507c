"""nginx in front of replicas, as deploy/nginx.conf has it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.system.running import ROOT
from tests.waiting import LONGEST, until

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")

needs_nginx = pytest.mark.skipif(
    NGINX is None, reason="nginx is not installed (Debian, Ubuntu: apt install nginx-light)"
)


@contextmanager
def proxy(folder: Path, port: int, replicas: list[int]) -> Iterator[None]:
    """nginx on a port, before the replicas' two ports; its files lie in the folder."""
    configuration = _configuration(folder, port, replicas)
    server = subprocess.Popen([str(NGINX), "-p", str(folder), "-c", str(configuration)])
    try:
        until(lambda: (folder / "pid").exists() and (folder / "pid").read_text() != "")
        yield
    finally:
        server.terminate()
        server.wait(LONGEST)


def _configuration(folder: Path, port: int, replicas: list[int]) -> Path:
    """The example with other ports, inside the frame that a distribution's main file gives it."""
    site = (ROOT / "deploy" / "nginx.conf").read_text()
    for written, replica in zip((8001, 8002), replicas, strict=True):
        site = site.replace(f"127.0.0.1:{written} ", f"127.0.0.1:{replica} ")
    site = site.replace("127.0.0.1:8080;", f"127.0.0.1:{port};")
    paths = "".join(
        f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root; " if os.geteuid() == 0 else ""  # else its workers could not write in the folder
    frame = f"{user}daemon off; pid {folder}/pid; error_log {folder}/error.log warn; events {{}}\n"
    file = folder / "nginx.conf"
    file.write_text(f"{frame}http {{ access_log {folder}/access.log;\n{paths}{site}}}\n")
    return file
