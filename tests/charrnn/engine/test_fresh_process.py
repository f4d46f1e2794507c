"""Code out of a file runs in a process that has loaded nothing but the engine: no numba, and no symbols that came with
it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROGRAM = """
import sys
from pathlib import Path
from charrnn import checkpoint
from charrnn.engine.base import Sequence
from charrnn.engine.cpu.batch import CpuEngine
from charrnn.sampling import SamplingParams

loaded = checkpoint.load(Path("service/starter/shakespeare.safetensors"))
batch = CpuEngine(loaded).batch(1)
prompt, sampling = loaded.vocabulary.encode("ROMEO:"), SamplingParams(logprobs=2, top_p=0.9, min_p=0.01)
batch.add(Sequence(prompt, 5, sampling, score=True))
(output,) = batch.step(100)
print(*output.prompt_logprobs.chosen[1:], *output.logprobs.chosen)
assert "numba" not in sys.modules
"""


def test_logarithms_are_reported() -> None:
    command = [sys.executable, "-c", PROGRAM]
    found = subprocess.run(command, cwd=Path(__file__).parents[3], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    logarithms = [float(number) for number in found.stdout.split()]
    assert len(logarithms) == 10
    assert all(-20 < number <= 0 for number in logarithms)
