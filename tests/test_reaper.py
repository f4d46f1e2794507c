"""What tests have started ends with them, whatever ends them."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.waiting import gone, until

ROOT = Path(__file__).parent.parent
LEAVES = """
import subprocess, sys
from tests import reaper
end = reaper.watch()
print(subprocess.Popen(["sleep", "600"], start_new_session=True).pid, flush=True)
sys.stdin.read()
end()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the environment of a process")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, None])
def test_nothing_is_left_behind(number: signal.Signals | None) -> None:
    command = [sys.executable, "-c", LEAVES]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None and process.stdout is not None
        left = int(process.stdout.readline())
        assert not gone(left)
        if number is not None:
            process.send_signal(number)
    until(lambda: gone(left))
