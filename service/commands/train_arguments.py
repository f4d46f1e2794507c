"""The options of `charrnn train`, including those of `POST /jobs`, and the job that they describe; needs no torch."""

from __future__ import annotations

import argparse
from typing import Final

from service.api.schemas.jobs import BudgetBody, JobBody
from service.commands.options import add_decoding, add_options, given
from service.training.jobs.requests import DEFAULT_BUDGET, JobRequest

NO_CORPUS: Final = "0" * 16
"""Placeholder for the corpus in a request that is checked before its text is stored."""

OWN: Final = frozenset({"corpus", "budget"})
"""Fields of a job that are not options here: the corpus, and the budget, which has its own options."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the command's arguments; omitted ones are chosen to suit the text and the budget."""
    parser.add_argument("file", nargs="?", metavar="FILE", help="text file to train on")
    add_decoding(parser, "FILE")
    parser.add_argument("--resume", metavar="JOB", help="resume an interrupted job")
    add_options(parser.add_mutually_exclusive_group(), BudgetBody, defaults=DEFAULT_BUDGET.as_dict())
    add_options(parser, JobBody, OWN)


def request(parsed: argparse.Namespace) -> JobRequest:
    """The requested job, with NO_CORPUS as its corpus. Raises JobRequestError, InvalidNameError, ValueError."""
    budget = given(parsed, BudgetBody) or DEFAULT_BUDGET.as_dict()
    return JobRequest.from_dict({"corpus": NO_CORPUS, "budget": budget, **given(parsed, JobBody, OWN)})
