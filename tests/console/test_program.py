"""How a command-line program ends, tried in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(body: str, *, encoding: str = "utf-8", shell: str = '"$0" "$@"') -> subprocess.CompletedProcess[bytes]:
    """A program whose command is the body of a function; its standard output may go where `shell` says."""
    program = f"import os, signal, sys\nfrom console.program import run\ndef command():\n    {body}\n"
    program += "signal.signal(signal.SIGINT, signal.default_int_handler)  # as if not begun in a shell's background\n"
    program += "sys.exit(run('name', command))"
    command = ["sh", "-c", shell, sys.executable, "-c", program]
    environment = os.environ | {"PYTHONIOENCODING": encoding}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=False)


def test_the_status_is_the_commands() -> None:
    done = run("print('said'); return 7")
    assert (done.returncode, done.stdout, done.stderr) == (7, b"said\n", b"")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_letters_that_the_terminal_lacks_are_shown_as_codes(encoding: str) -> None:
    done = run("print('\\u4e2d\\udc80'); print('\\u4e2d', file=sys.stderr); return 0", encoding=encoding)
    assert (done.returncode, b"Traceback" in done.stderr) == (0, False)
    assert done.stdout.endswith(b"\\udc80\n")


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ("raise KeyboardInterrupt", 130, b""),
        ("os.kill(os.getpid(), signal.SIGINT); return 0", 130, b""),
        ("open('/nowhere/at/all')", 1, b"name: /nowhere/at/all: No such file or directory\n"),
        ("raise OSError('several\\n lines')", 1, b"name: several lines\n"),
        ("raise BrokenPipeError", 0, b""),
    ],
)
def test_how_a_command_ends(body: str, status: int, said: bytes) -> None:
    done = run(body)
    assert (done.returncode, done.stderr) == (status, said)


@pytest.mark.parametrize("body", ["print('x' * 10**6); return 0", "print('x'); return 0", "print('x'); sys.exit(0)"])
def test_a_reader_that_leaves_is_no_error(body: str) -> None:
    done = run(body, shell='{ "$0" "$@"; echo $? >&2; } | true')
    assert done.stderr == b"0\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is full")
def test_an_output_that_cannot_be_written_is() -> None:
    done = run("print('x'); return 0", shell='"$0" "$@" > /dev/full')
    assert (done.returncode, done.stderr) == (1, b"name: No space left on device\n")


def test_without_an_output_nothing_is_written() -> None:
    assert run("print('x'); return 3", shell='"$0" "$@" >&- 2>&-').returncode == 3
