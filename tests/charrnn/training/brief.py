"""A trainer whose samples are short: to write long ones would take a small network more time than to learn."""

from functools import partial

from charrnn.training.trainer import Trainer

SAMPLE_LENGTH = 12
brief = partial(Trainer, sample_length=SAMPLE_LENGTH)
