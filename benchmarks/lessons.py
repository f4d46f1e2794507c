"""Makes anew what the page that tells the article shows of trainings: samples while networks learn plays, LaTeX and C.

    python -m benchmarks.lessons plays latex c --text TINY_SHAKESPEARE

Each network is trained by `charrnn.training.trainer.Trainer`, with its UNITS and STEPS and the defaults for its text,
so that the same numbers come out on any number of cores of the same kind. The LaTeX is that of papers and manuals of R
packages (as Debian has them, under the GPL), without their R code; the C is that of the package psutil (BSD-3-Clause).
The texts are not kept here; what the networks wrote of them is.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
from pathlib import Path
from typing import Any, Final

from benchmarks.shipped import usual
from benchmarks.texts import Source, fetch, text_of
from charrnn.config import ModelConfig
from charrnn.training.config import Budget, TrainingConfig
from charrnn.training.data import TrainingText
from charrnn.training.defaults import defaults_for
from charrnn.training.progress import Progress
from charrnn.training.trainer import Trainer
from charrnn.vocabulary import Vocabulary
from durable.files import put

UNITS: Final = {"plays": 128, "latex": 256, "c": 256}
STEPS: Final = {"plays": 700, "latex": 3000, "c": 3000}
"""Some twenty seconds of a core for plays, two minutes for each of the others, which after 700 steps of 128 units wrote
no environment and no opening brace."""
HELD_OUT: Final = 0.02
"""A small part, so that there are more evaluations."""
LENGTH: Final = 1200
"""Tokens of the last sample: there is an environment, or a comment, in every thousand characters or so of the texts."""
BRIEF: Final = 400
"""Characters that are kept of each sample before."""
SHOWN: Final = (0.01, 0.05, 0.2, 0.5, 1.0)
"""The first sample after each of these shares of the steps is shown; those up to a twentieth have no held-out loss."""

VIGNETTES: Final = ("lme4", "sandwich", "vcd", "zoo")
"""R packages whose papers and manuals are written in LaTeX."""

PROGRAM: Final = Source("pip, sdist", "psutil==6.1.1", "*.[ch]")

SAMPLES: Final = Path(__file__).parents[1] / "service/api/pages/static/learn/samples.json"


def without_code(vignette: str) -> str:
    """The LaTeX of a paper that has R code in it (Sweave)."""
    return re.sub(r"^<<.*?>>=$.*?^@.*?$\n?", "", vignette.replace("\r\n", "\n"), flags=re.MULTILINE | re.DOTALL)


def latex() -> str:
    """The papers and manuals, package after package."""
    found = []
    for name in VIGNETTES:
        source = Source("apt-get", f"r-cran-{name}", "*/doc/*.Rnw", read=without_code)
        with tempfile.TemporaryDirectory() as folder:
            found.append(text_of(source, fetch(source, Path(folder))))
    return "\n".join(found)


def c() -> str:
    """C code with its headers."""
    with tempfile.TemporaryDirectory() as folder:
        return text_of(PROGRAM, fetch(PROGRAM, Path(folder)))


def trained(text: str, units: int, steps: int) -> dict[str, Any]:
    """What a network writes of the text while it is trained, and how it was."""
    vocabulary = Vocabulary.of([text])
    budget = Budget(steps=steps)
    chosen = {"hidden_size": units, "validation_fraction": HELD_OUT}
    model, training = defaults_for(len(text), len(vocabulary), budget, chosen)
    config = ModelConfig(len(vocabulary), **model)
    source = TrainingText(vocabulary.encode(text), vocabulary)
    trainer = Trainer(config, TrainingConfig(budget, **training), source, sample_length=LENGTH)
    shown: list[dict[str, Any]] = []
    for progress in trainer.run():
        if progress.samples and len(shown) < len(SHOWN) and progress.fraction >= SHOWN[len(shown)]:
            shown.append(_stage(progress))
            print(json.dumps(shown[-1], ensure_ascii=False), flush=True)
    for stage in shown[:-1]:
        stage["text"] = stage["text"][:BRIEF]
    return {
        "characters": len(text),
        "vocabulary": len(vocabulary),
        "steps": steps,
        **{name: model[name] for name in ("cell", "hidden_size")},
        **{name: training[name] for name in ("segment_length", "batch_size")},
        "prompt": text[0],
        "samples": shown,
    }


def _stage(progress: Progress) -> dict[str, Any]:
    """The sample that continues the text's first character, and the loss there, on what was held out if it was just
    evaluated."""
    evaluated = progress.validation_loss is not None
    loss = progress.validation_loss if evaluated else progress.loss
    return {
        "fraction": round(progress.fraction, 3),
        "characters": progress.characters,
        "loss": None if loss is None else round(loss, 3),
        "held_out": evaluated,
        "text": progress.samples[0].text,
    }


TEXTS: Final = {"latex": latex, "c": c}
SOURCES: Final = {
    "plays": "Plays by Shakespeare (tiny Shakespeare).",
    "latex": f"Papers and manuals of the R packages {', '.join(VIGNETTES)} (GPL), without their R code.",
    "c": "The C code of the Python package psutil (BSD licence).",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="+", choices=("plays", *TEXTS))
    parser.add_argument("--text", type=Path, help="tiny Shakespeare, for the plays")
    options = parser.parse_args()
    if "plays" in options.names and options.text is None:
        parser.error("plays needs --text")
    for name in options.names:
        text = options.text.read_text(encoding="utf-8") if name == "plays" else usual(TEXTS[name]())
        found = {"source": SOURCES[name], **trained(text, UNITS[name], STEPS[name])}
        lessons = json.loads(SAMPLES.read_text(encoding="utf-8")) if SAMPLES.exists() else {}
        put(SAMPLES, f"{json.dumps(lessons | {name: found}, ensure_ascii=False)}\n".encode())


if __name__ == "__main__":
    main()
