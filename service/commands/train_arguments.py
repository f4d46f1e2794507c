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
    ("minutes", float, "minutes from start to publication"),
    ("epochs", float, "passes over the text"),
    ("steps", int, "training steps"),
)
NUMBERS: Final = (
    ("hidden_size", int, "units per layer"),
    ("layers", int, "number of recurrent layers"),
    ("embedding_size", int, "size of the token embedding; 0: one-hot input"),
    ("dropout", float, "dropout probability"),
    ("segment_length", int, "tokens per segment of truncated backpropagation"),
    ("batch_size", int, "segments trained on in parallel"),
    ("learning_rate", float, "peak learning rate"),
    ("clip", float, "maximum gradient norm; 0: no clipping"),
    ("validation_fraction", float, "share of the text to hold out"),
    ("seed", int, "random seed"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the command's arguments; what is left out is chosen to suit the text and the budget."""
    parser.add_argument("file", nargs="?", metavar="FILE", help="text file to train on")
    parser.add_argument("--model", help="name of the model to publish")
    parser.add_argument("--encoding", help="encoding of FILE, such as cp1251 (default: detected)")
    parser.add_argument(
        "--newlines", choices=get_args(Newlines), default="lf", help="line endings: convert to LF (default), or keep"
    )
    parser.add_argument("--resume", metavar="JOB", help="resume an interrupted job")
    budget = parser.add_mutually_exclusive_group()
    for name, kind, text in BUDGETS:
        default = f" (default {DEFAULT_BUDGET.minutes:g})" if name == "minutes" else ""
        budget.add_argument(f"--{name}", type=kind, metavar="N", help=text + default)
    parser.add_argument("--cell", choices=CELLS, help="type of recurrent cell")
    parser.add_argument("--level", choices=LEVELS, help="what a token is (default char)")
    for name, kind, text in NUMBERS:
        parser.add_argument(f"--{name.replace('_', '-')}", type=kind, metavar="N", help=text)
    parser.add_argument(
        "--validation-split",
        choices=VALIDATION_SPLITS,
        help="what to hold out: blocks spread over the text (default), or its end",
    )
    parser.add_argument("--base", metavar="MODEL", help="version to continue training from: name, name@3 or name@alias")
    parser.add_argument(
        "--promote",
        choices=POLICIES,
        default="if_better",
        help="when to make the new version current (default if_better)",
    )


def request(parsed: argparse.Namespace) -> JobRequest:
    """The job that is asked for, its corpus left open. Raises JobRequestError, InvalidNameError, ValueError."""
    given = {name: getattr(parsed, name) for name, _, _ in BUDGETS if getattr(parsed, name) is not None}
    fields: dict[str, Any] = {name: getattr(parsed, name) for name, _, _ in NUMBERS}
    for name in ("cell", "level", "validation_split", "base", "promote"):
        fields[name] = getattr(parsed, name)
    return JobRequest(NO_CORPUS, parsed.model, budget=Budget(**given) if given else DEFAULT_BUDGET, **fields)
