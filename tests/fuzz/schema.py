"""Every request that schemathesis thinks of, to a service of its own; all its checks must hold."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from tests.fuzz.serving import KEY
from tests.system.running import Service
from tests.waiting import until

NAME: Final = "schema"
HERE: Final = Path(__file__).parent


def main(seed: int) -> int:
    """The exit status; what was found is printed."""
    with tempfile.TemporaryDirectory() as folder:
        service = Service(Path(folder, "data"), Path(folder, "log"), ADMIN_API_KEYS=KEY, LOG_LEVEL="warning")
        try:
            until(lambda: service.answers("/readyz"))
            status = _run(service.port, seed)
        finally:
            service.end()
        log = Path(folder, "log").read_text()
        print("\n".join(line for line in log.splitlines() if "Traceback" in line or "ERROR" in line))
        return status or int("Traceback" in log)


def _run(port: int, seed: int) -> int:
    schemathesis = str(Path(sys.executable).with_name("schemathesis"))
    command = [schemathesis, "--config-file", str(HERE / "schemathesis.toml"), "run"]
    command += [f"http://127.0.0.1:{port}/openapi.json", "-H", f"Authorization: Bearer {KEY}", "--checks", "all"]
    # A corpus could be called `preview`, as far as the router knows: GET and DELETE are allowed, and answered with 404.
    command += ["--exclude-checks", "allow_header_conformance"]
    return subprocess.run([*command, "--seed", str(seed)], check=False).returncode
