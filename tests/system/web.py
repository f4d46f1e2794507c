"""The web processes alone, without worker and Redis, and a client that holds many connections at once."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from service.processes.serving import GUNICORN_CONFIGURATION
from tests.ports import free_port
from tests.system.running import ROOT
from tests.waiting import LONGEST, until


class Web:
    """gunicorn as it runs in a container, on a port of its own."""

    def __init__(self, data_dir: Path, **settings: str) -> None:
        self.port = free_port()
        self.output = data_dir.with_suffix(f".{self.port}.log")
        # A port without Redis: its absence is noticed at once.
        given = {"DATA_DIR": str(data_dir), "PORT": str(self.port), "REDIS_URL": f"redis://127.0.0.1:{free_port()}/0"}
        environment = os.environ | given | {"WEB_WORKERS": "1", "LOG_FORMAT": "json"} | settings
        with self.output.open("w") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "gunicorn", "-c", GUNICORN_CONFIGURATION],
                cwd=ROOT,
                env=environment,
                stdout=file,
                stderr=file,
                process_group=0,
            )

    def get(self, path: str) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=LONGEST) as reply:
            text: str = reply.read().decode()
            return text

    def ready(self) -> bool:
        assert self.process.poll() is None, self.output.read_text()
        try:
            return bool(self.get("/readyz"))
        except OSError:
            return False

    @contextmanager
    def serving(self) -> Iterator[Web]:
        """A context in which it is ready, and after which it ends normally."""
        try:
            self.wait_until_ready()
            yield self
            assert self.end() == 0
        finally:
            self.process.kill()
            self.process.wait()

    def wait_until_ready(self) -> None:
        until(self.ready)

    def measured(self, name: str) -> float:
        """The sum of a metric's samples."""
        found = re.findall(rf"^{name}(?:{{[^}}]*}})? (\S+)$", self.get("/metrics"), re.MULTILINE)
        return sum(map(float, found))

    def kill(self) -> None:
        """Kill all its processes, as a machine does that loses its power."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(LONGEST)


def http(body: dict[str, Any], path: str = "/generate", more: str = "") -> bytes:
    """A POST as it goes over the wire."""
    data = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n"
    return f"{head}{more}\r\n".encode() + data


async def stream(port: int, body: dict[str, Any], hang_up: bool = False) -> str:
    """What a streaming client received, headers included; one that hangs up does so after the first piece."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(http({**body, "stream": True}, more="Connection: close\r\n"))
    try:
        if hang_up:
            return (await reader.readuntil(b"\n\n")).decode() + (await reader.readuntil(b"\n\n")).decode()
        return (await reader.read()).decode()
    finally:
        writer.close()
