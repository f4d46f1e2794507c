"""Runs a job in a child process repeatedly, so that the child can be killed: a line on standard input
begins it, the child's id and later its exit status come back as lines."""

from __future__ import annotations

import os
import sys
import time
from functools import partial
from pathlib import Path
from threading import Event

import torch

from service.bootstrap.training import build_trainer
from service.settings import Settings
from service.training.worker.job_trainer import JobTrainer
from tests.service.training.runners import SAMPLE_LENGTH


def clock() -> float:
    """The time, which is looked at several times in each step: so steps take long, with nothing to do meanwhile."""
    time.sleep(0.002)
    return time.perf_counter()


def main(data: Path, job: str) -> None:
    torch.set_num_threads(1)
    training = build_trainer(
        Settings(data_dir=data),
        new_trainer=partial(JobTrainer, save_seconds=0.05, sample_length=SAMPLE_LENGTH, clock=clock),
    )
    for _ in sys.stdin:
        child = os.fork()
        if child == 0:
            training.runner.run(job, Event())
            os._exit("torch._dynamo" in sys.modules)  # a compiler that takes over a second to load, and has no use
        print(child, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
