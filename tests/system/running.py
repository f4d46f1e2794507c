"""A whole service in processes of its own, for tests that talk to it from outside."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from tests.ports import free_port
from tests.waiting import LONGEST, until

ROOT = Path(__file__).parents[2]


class Service:
    """A running `python -m service`, its output, and requests to it."""

    def __init__(self, data_dir: Path, output: Path, **settings: str) -> None:
        self.data_dir, self.output = data_dir, output
        self.port = int(settings.get("PORT") or free_port())
        self.environment = (
            os.environ | {"DATA_DIR": str(data_dir), "PORT": str(self.port), "WEB_WORKERS": "1"} | settings
        )
        with output.open("w") as file:
            command = [sys.executable, "-m", "service"]
            self.process = subprocess.Popen(command, cwd=ROOT, env=self.environment, stdout=file, stderr=file)

    def request(self, path: str, body: object = None, key: str | None = None) -> dict[str, Any]:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"} | ({} if key is None else {"Authorization": f"Bearer {key}"})
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data, headers)
        with urllib.request.urlopen(request, timeout=LONGEST) as reply:
            answer: dict[str, Any] = json.load(reply)
            return answer

    def answers(self, path: str, body: object = None) -> bool:
        assert self.process.poll() is None, self.output.read_text()
        try:
            self.request(path, body)
        except OSError:
            return False
        return True

    def children(self) -> dict[str, int]:
        """The latest process of each program, by name."""
        log = (self.data_dir / "run" / "supervisor.log").read_text()
        return {name: int(pid) for name, pid in re.findall(r"spawned: '(\w+)' with pid (\d+)", log)}

    def kill(self, name: str) -> None:
        """Kill one program as the system would that is out of memory, and wait until another has been started."""
        before = self.children()[name]
        os.kill(before, signal.SIGKILL)
        until(lambda: self.children()[name] != before)

    def end(self, number: signal.Signals = signal.SIGINT) -> int:
        self.process.send_signal(number)
        return self.process.wait(LONGEST)
