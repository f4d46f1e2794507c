"""`make fuzz`: a service of its own, and every request that schemathesis thinks of; all its checks must hold."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from tests.system.running import Service, until

KEY = "fuzz-key"
HERE = Path(__file__).parent


def main(arguments: list[str]) -> int:
    with tempfile.TemporaryDirectory() as folder:
        service = Service(Path(folder, "data"), Path(folder, "log"), ADMIN_API_KEYS=KEY, LOG_LEVEL="warning")
        try:
            until(lambda: service.answers("/readyz"))
            status = _run(service.port, arguments)
        finally:
            service.end()
        log = Path(folder, "log").read_text()
        print("\n".join(line for line in log.splitlines() if "Traceback" in line or "ERROR" in line))
        return status or int("Traceback" in log)


def _run(port: int, arguments: list[str]) -> int:
    schemathesis = str(Path(sys.executable).with_name("schemathesis"))
    command = [schemathesis, "--config-file", str(HERE / "schemathesis.toml"), "run"]
    command += [f"http://127.0.0.1:{port}/openapi.json", "-H", f"Authorization: Bearer {KEY}", "--checks", "all"]
    return subprocess.run([*command, *arguments], check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
