"""Processes under supervision: restarted, ended in order, cleared away, their lines passed on; with real processes."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from supervisor.options import ServerOptions  # type: ignore[import-untyped]

from service.processes.supervision import Program, configuration
from service.supervised import SupervisorReport
from tests.waiting import LONGEST, gone, until

SUPERVISE = """
import pathlib, sys
from service.processes.supervision import Program, supervise
from service.supervised import Supervised
run = pathlib.Path(sys.argv[1])
sys.exit(supervise([{programs}], run, Supervised(run / "processes.json")))
"""
LIVES = "import os, time; print('{name}', os.getpid(), flush=True); time.sleep(60)"
DIES = "import sys; sys.exit('{name} cannot work')"
HAS_CHILD = (
    "import subprocess, sys, time; print('{name}', subprocess.Popen(['sleep', '60']).pid, flush=True); time.sleep(60)"
)


class Running:
    """A supervisor in a process of its own, and its output so far."""

    def __init__(self, run_dir: Path, **scripts: str) -> None:
        programs = ", ".join(
            f"Program({name!r}, ({sys.executable!r}, '-c', {script.format(name=name)!r}), mend=lambda: 'mended {name}')"
            for name, script in scripts.items()
        )
        self.output = run_dir / "output"
        with self.output.open("w") as file:
            command = [sys.executable, "-c", SUPERVISE.format(programs=programs), str(run_dir)]
            self.process = subprocess.Popen(command, stdout=file, stderr=file)

    def wait_for(self, pattern: str, count: int = 1) -> str:
        """The last group matched, once `pattern` has come `count` times."""
        until(lambda: len(re.findall(pattern, self.output.read_text())) >= count)
        return str(re.findall(pattern, self.output.read_text())[-1])

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(LONGEST)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    started: list[Running] = []

    def start(**scripts: str) -> Running:
        started.append(Running(tmp_path, **scripts))
        return started[-1]

    yield start
    for each in started:
        each.process.kill()
        each.process.wait()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_all_in_reverse_order(
    start: Callable[..., Running], tmp_path: Path, number: signal.Signals
) -> None:
    running = start(first=LIVES, second=LIVES)
    pids = [int(running.wait_for(f"{name} (\\d+)")) for name in ("first", "second")]
    assert running.end(number) == 0
    assert all(map(gone, pids))
    stopped = re.findall(r"stopped: (\w+)", (tmp_path / "supervisor.log").read_text())
    assert stopped == ["second", "first"]


def test_a_process_that_is_killed_comes_back(start: Callable[..., Running]) -> None:
    running = start(one=LIVES)
    first = int(running.wait_for(r"^one (\d+)"))
    os.kill(first, signal.SIGKILL)
    assert int(running.wait_for(r"(?m)^one (\d+)", count=2)) != first
    running.wait_for(rf"one \(process {first}\) ended unexpectedly; it is started again")
    assert running.end() == 0


def test_it_tells_the_others_which_processes_there_are(start: Callable[..., Running], tmp_path: Path) -> None:
    running = start(one=LIVES, two=LIVES)
    expected = {name: int(running.wait_for(f"{name} (\\d+)")) for name in ("one", "two")}
    expected["supervisor"] = running.process.pid
    until(lambda: SupervisorReport(tmp_path / "processes.json").processes() == expected)
    os.kill(expected["one"], signal.SIGKILL)
    expected["one"] = int(running.wait_for(r"(?m)^one (\d+)", count=2))
    until(lambda: SupervisorReport(tmp_path / "processes.json").processes() == expected)
    assert running.end() == 0


def test_what_a_killed_process_had_started_goes_with_it(start: Callable[..., Running], tmp_path: Path) -> None:
    running = start(one=HAS_CHILD)
    grandchild = int(running.wait_for(r"^one (\d+)"))
    pid = int(re.findall(r"spawned: 'one' with pid (\d+)", (tmp_path / "supervisor.log").read_text())[0])
    os.kill(pid, signal.SIGKILL)
    until(lambda: gone(grandchild))


def test_one_that_does_not_stay_up_is_tried_again_and_the_rest_goes_on(
    start: Callable[..., Running], tmp_path: Path
) -> None:
    running = start(good=LIVES, bad=DIES)
    running.wait_for("bad cannot work", count=3)
    said = running.output.read_text()
    assert re.search(r"bad \(process \d+\) ended unexpectedly; it is started again\n", said)
    assert "ended unexpectedly; it is started again in 1 s: it has not stayed up 2 times in a row\n" in said
    assert "mended bad" in said
    (problem,) = SupervisorReport(tmp_path / "processes.json").problems()
    assert problem.startswith("bad: it has not stayed up ")
    good = int(running.wait_for(r"good (\d+)"))
    assert not gone(good)
    assert running.end() == 0
    assert gone(good)


def test_a_supervisor_whose_output_nobody_reads_goes_on(tmp_path: Path) -> None:
    talks = (
        "import pathlib, time; [print('x' * 999, flush=True) for _ in range(3000)]; "
        "pathlib.Path('{folder}/said').touch(); time.sleep(60)"
    )
    program = f"Program('one', ({sys.executable!r}, '-c', {talks.format(folder=tmp_path)!r}))"
    command = [sys.executable, "-c", SUPERVISE.format(programs=program), str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        assert process.stdout is not None
        report = SupervisorReport(tmp_path / "processes.json")
        try:
            until((tmp_path / "said").exists)
            until(lambda: report.lost_lines() > 0)
            written = lost = 0
            while written + lost < 3000:
                line = process.stdout.readline()
                told = re.fullmatch(rb"service: (\d+) lines of the log were lost.*\n", line)
                assert told or line == b"x" * 999 + b"\n"
                written, lost = (written, lost + int(told[1])) if told else (written + 1, lost)
            assert lost >= report.lost_lines() > 0
        finally:
            process.send_signal(signal.SIGTERM)
            process.stdout.read()
            assert process.wait(LONGEST) == 0


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent died")
def test_no_process_outlives_a_supervisor_that_is_killed(start: Callable[..., Running]) -> None:
    running = start(one=LIVES)
    pid = int(running.wait_for(r"^one (\d+)"))
    running.end(signal.SIGKILL)
    until(lambda: gone(pid))


def test_lines_of_different_processes_do_not_mix(start: Callable[..., Running]) -> None:
    drips = (
        "import sys, time; write = lambda text: (sys.stdout.write(text), sys.stdout.flush(), time.sleep(0.001)); "
        "[write(letter) for letter in '{name}' * 20]; write(chr(10)); time.sleep(60)"
    )
    running = start(aa=drips, bb=drips)
    running.wait_for(r"(?m)^a+$")
    running.wait_for(r"(?m)^b+$")
    assert running.output.read_text().split() in (["a" * 40, "b" * 40], ["b" * 40, "a" * 40])


def test_supervisor_reads_back_what_was_written(tmp_path: Path) -> None:
    command = ["/opt/my #1 100% 'dir'/x", "-c", 'a ; "b" \\ $HOME %(here)s é', "--save", ""]
    programs = [Program("one", command, {"REDIS_URL": "unix:///a%20b"}, stop_seconds=7), Program("two", ["true"])]
    file = tmp_path / "supervisor.conf"
    file.write_text(configuration(programs), encoding="utf-8")
    options = ServerOptions()
    options.realize(["-c", str(file)], doc="")
    one, two = (group.process_configs[0] for group in sorted(options.process_group_configs))
    assert shlex.split(one.command) == command
    assert one.environment == {"REDIS_URL": "unix:///a%20b"}
    assert (one.stopwaitsecs, two.command) == (7, "true")
