"""All benchmarks one after the other, as `make bench` runs them; each prints a table and writes its JSON."""

from __future__ import annotations

import subprocess
import sys

from tests.system.running import ROOT

for name in (
    "kernels",
    "series",
    "record_streams",
    "scaling",
    "prompts",
    "web_process",
    "continuations",
    "http",
    "plot",
):
    print(f"\n{name}", flush=True)
    subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], cwd=ROOT, check=True)
