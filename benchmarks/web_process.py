"""A web process's start and memory: from the start of the interpreter to the first answer, and what stays resident,
with the compiled kernels and, for comparison, with the torch engine. Run: python -m benchmarks.web_process."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.system.running import ROOT

PROGRAM = """
import os, sys
from pathlib import Path
from service.processes.web import start
engines = None
if sys.argv[1] == "torch":
    from charrnn.engine.gpu.reference import ReferenceEngine as engines
client = start(engines=engines).application.test_client()
reply = client.post("/generate", json={"prompt": "ROMEO:", "length": 100, "cache": False})
assert reply.status_code == 200, reply.text
status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
print(*(int(status[name].split()[0]) / 1024 for name in ("VmRSS", "RssAnon")), flush=True)
os._exit(0)
"""


def start(engine: str, folder: str) -> tuple[float, float, float]:
    """Seconds to the first answer, megabytes resident, and private megabytes among them."""
    environment = os.environ | {"DATA_DIR": folder, "LOG_LEVEL": "error", "REDIS_URL": "redis://127.0.0.1:1"}
    began = time.perf_counter()
    command = [sys.executable, "-c", PROGRAM, engine]
    printed = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout
    resident, private = map(float, printed.split())
    return time.perf_counter() - began, resident, private


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        start("compiled", folder)  # compiles the kernels, should they not be there yet
        print("| engine | first answer, s | resident, MB | private, MB |\n|---|---|---|---|")
        rounds = [(start("compiled", folder), start("torch", folder)) for _ in range(5)]
    found = {}
    for name, runs in zip(("compiled kernels", "torch"), zip(*rounds, strict=True), strict=True):
        medians = [statistics.median(column) for column in zip(*runs, strict=True)]
        found[name] = dict(zip(("seconds", "resident_mb", "private_mb"), medians, strict=True))
        print(f"| {name} | {medians[0]:.2f} | {medians[1]:.0f} | {medians[2]:.0f} |")
    Path(__file__).with_name("web_process.json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
