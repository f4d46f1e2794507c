"""What `charrnn train` can be told, and the job that this asks for; knows no training and needs no torch."""

from __future__ import annotations

import argparse
from typing import Any, Final, get_args

from charrnn.config import CELLS
from charrnn.training.config import VALIDATION_SPLITS, Budget
from model_store.promotion import POLICIES
from service.training.decoding import Newlines
from service.training.requests import DEFAULT_BUDGET, LEVELS, JobRequest

NO_CORPUS: Final = "0" * 16
"""Stands for the corpus in a request that is checked before its text is stored."""

BUDGETS: Final = (
    ("minutes", float, "minutes from start to end"),
    ("epochs", float, "times to read the text"),
    ("steps", int, "steps of training"),
)
NUMBERS: Final = (
    ("hidden_size", int, "units of a layer"),
    ("layers", int, "recurrent layers"),
    ("embedding_size", int, "size of a token's vector; 0: one-hot"),
    ("dropout", float, "share of elements left out in training"),
    ("segment_length", int, "tokens that gradients reach back"),
    ("batch_size", int, "streams read side by side"),
    ("learning_rate", float, "the highest there is"),
    ("clip", float, "largest norm of the gradients; 0: not clipped"),
    ("validation_fraction", float, "share of the text that is held out"),
    ("seed", int, "of whatever is random"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the command's arguments; what is left out is chosen to suit the text and the budget."""
    parser.add_argument("file", nargs="?", metavar="FILE", help="a plain text")
    parser.add_argument("--model", help="the name to publish under")
    parser.add_argument("--encoding", help="what FILE is encoded in, such as cp1251 (default: found out)")
    parser.add_argument(
        "--newlines", choices=get_args(Newlines), default="lf", help="line ends: all LF, or as they are"
    )
    parser.add_argument("--resume", metavar="JOB", help="go on with a job that was interrupted")
    budget = parser.add_mutually_exclusive_group()
    for name, kind, text in BUDGETS:
        default = f" (default {DEFAULT_BUDGET.minutes:g})" if name == "minutes" else ""
        budget.add_argument(f"--{name}", type=kind, metavar="N", help=text + default)
    parser.add_argument("--cell", choices=CELLS, help="the kind of network")
    parser.add_argument("--level", choices=LEVELS, help="what a token is (default char)")
    for name, kind, text in NUMBERS:
        parser.add_argument(f"--{name.replace('_', '-')}", type=kind, metavar="N", help=text)
    parser.add_argument(
        "--validation-split",
        choices=VALIDATION_SPLITS,
        help="hold out blocks spread over the text (default), or its end",
    )
    parser.add_argument("--base", metavar="MODEL", help="go on from a version: name, name@3 or name@alias")
    parser.add_argument("--promote", choices=POLICIES, default="if_better", help="when it becomes the one that serves")


def request(parsed: argparse.Namespace) -> JobRequest:
    """The job that is asked for, its corpus left open. Raises JobRequestError, InvalidNameError, ValueError."""
    given = {name: getattr(parsed, name) for name, _, _ in BUDGETS if getattr(parsed, name) is not None}
    fields: dict[str, Any] = {name: getattr(parsed, name) for name, _, _ in NUMBERS}
    for name in ("cell", "level", "validation_split", "base", "promote"):
        fields[name] = getattr(parsed, name)
    return JobRequest(NO_CORPUS, parsed.model, budget=Budget(**given) if given else DEFAULT_BUDGET, **fields)
