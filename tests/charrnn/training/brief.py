"""A trainer whose samples are short: to write long ones would take a small network more time than to learn; and a clock
for it that does not depend on the machine's speed."""

from functools import partial

from charrnn.training.trainer import Trainer

SAMPLE_LENGTH = 12
brief = partial(Trainer, sample_length=SAMPLE_LENGTH)


class Clock:
    """A clock on which every look takes `seconds`, which may change."""

    def __init__(self, seconds: float = 0.01) -> None:
        self.seconds = seconds
        self.now = 0.0

    def __call__(self) -> float:
        self.now += self.seconds
        return self.now
