"""What is written: whole lines in order, nobody waits for a reader, and losses are counted."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.output import LineWriter
from tests.waiting import until

MOST = 1 << 16
LINE = b"x" * 99 + b"\n"


class Pipe:
    """A pipe with an output on it, and what was read of it so far."""

    def __init__(self) -> None:
        self.end, self.begin = os.pipe()
        self.output = LineWriter(self.begin, MOST)
        self.output.report = lambda lost: b"lost %d\n" % lost

    def read_until(self, last: bytes) -> list[bytes]:
        read = b""
        while not read.endswith(last):
            read += os.read(self.end, 1 << 16)
        return read.splitlines(keepends=True)


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    made = Pipe()
    yield made
    for descriptor in {made.end, made.begin}:
        os.close(descriptor)


def test_lines_come_in_order(pipe: Pipe) -> None:
    for number in range(1000):
        pipe.output.write(b"%d\n" % number)
    assert pipe.read_until(b"\n999\n") == [b"%d\n" % number for number in range(1000)]
    assert pipe.output.flush()
    assert pipe.output.lost == 0


def test_nobody_waits_for_a_pipe_that_is_not_read_and_losses_are_reported_at_the_gap(pipe: Pipe) -> None:
    for _ in range(5000):
        pipe.output.write(LINE)
    until(lambda: pipe.output.lost > 0)
    assert not pipe.output.flush(0.05)
    lost = pipe.output.lost
    read = pipe.read_until(b"lost %d\n" % lost)
    assert read == [LINE] * (5000 - lost) + [b"lost %d\n" % lost]
    pipe.output.write(b"last\n")
    assert pipe.read_until(b"last\n") == [b"last\n"]


def test_lines_of_several_writers_stay_whole(pipe: Pipe) -> None:
    def write(letter: bytes) -> None:
        own = LineWriter(pipe.begin)
        for length in range(1, 400):
            own.write(letter * length + b"\n")
        assert own.flush(10)

    threads = [threading.Thread(target=write, args=(letter,)) for letter in (b"a", b"b", b"c")]
    for thread in threads:
        thread.start()
    read = b""
    while read.count(b"\n") < 3 * 399:
        read += os.read(pipe.end, 1 << 16)
    for thread in threads:
        thread.join()
    assert sorted(read.split()) == sorted(letter * length for letter in (b"a", b"b", b"c") for length in range(1, 400))


def test_a_reader_that_is_gone_costs_only_the_lines(pipe: Pipe) -> None:
    os.close(pipe.end)
    pipe.output.write(LINE * 3)
    until(lambda: pipe.output.lost >= 3)
    pipe.output.write(LINE)
    assert pipe.output.flush()
    pipe.end = pipe.begin


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_on_a_full_disk_lines_are_lost_and_reported_once_there_is_space(tmp_path: Path) -> None:
    file = os.open("/dev/full", os.O_WRONLY)
    output = LineWriter(file)
    output.report = lambda lost: b"lost %d\n" % lost
    output.write(LINE)
    until(lambda: output.lost > 0)
    os.dup2(os.open(tmp_path / "log", os.O_WRONLY | os.O_CREAT), file)
    output.write(b"again\n")
    assert output.flush()
    said = (tmp_path / "log").read_bytes().splitlines()
    assert said[0] == b"again"
    assert said[1].startswith(b"lost ")


def test_a_pipe_that_another_process_made_non_blocking_loses_nothing(pipe: Pipe) -> None:
    os.set_blocking(pipe.begin, False)
    for _ in range(10):
        pipe.output.write(LINE * 100)
        time.sleep(0.02)
    pipe.output.write(b"end\n")
    assert pipe.read_until(b"end\n") == [LINE] * 1000 + [b"end\n"]


def test_a_stream_passes_on_whole_lines(pipe: Pipe) -> None:
    text = pipe.output.text()
    print("a", "ü", file=text)
    print("b", end="", file=text)
    assert pipe.read_until("ü\n".encode()) == ["a ü\n".encode()]
    print("\nc\ud800", file=text)
    assert pipe.read_until(b"c\\ud800\n") == [b"b\n", b"c\\ud800\n"]


FORKS = """
import os
from service.output import STANDARD_OUTPUT as output
output.write(b"parent\\n")
if (child := os.fork()) == 0:
    output.write(b"child\\n")
    raise SystemExit
os.waitpid(child, 0)
"""


def test_what_waits_is_written_at_the_end_by_the_process_that_said_it() -> None:
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", FORKS], capture_output=True, text=True, check=True)
    assert sorted(done.stdout.split()) == ["child", "parent"]
