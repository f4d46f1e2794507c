"""Gives a trained network the counts of its text, if they gain enough on what was held out and it does not copy much
more with them; its training record says what was measured and why it was decided so."""

from __future__ import annotations

import logging
from dataclasses import asdict, replace
from typing import Any, Final

from charrnn.checkpoint import Checkpoint
from charrnn.engine.cpu.batch import CpuEngine
from charrnn.measurements import bits
from charrnn.mixing import Gain, mixture
from charrnn.ngram_counts import count
from charrnn.ngrams import MAX_IDS, MAX_PAIRS, NgramTable
from charrnn.training.config import Budget, Mix, TrainingConfig
from charrnn.training.data import TrainingText
from charrnn.training.record_data import TrainingRecords
from charrnn.training.text import split
from service.training.worker.comparing import Comparison, generated_lines

log = logging.getLogger(__name__)

TOKENS_A_SECOND, MOST_TOKENS = 10_000, 1 << 24
HELD_OUT_A_SECOND, MOST_HELD_OUT = 1_000, 200_000
"""So many tokens are counted, and held-out ones weighed, for each second of a budget in minutes, and at most: about a
hundredth of the time on two idle cores."""

LEAST_GAIN: Final = 0.01
"""In nats per token. Less is not worth the time that mixing takes in every step."""

MOST_COPIED: Final = 0.1
"""By how much the share of generated lines that stand in the text may grow."""


def with_counts(
    checkpoint: Checkpoint, source: TrainingText | TrainingRecords, config: TrainingConfig, device: str = "cpu"
) -> Checkpoint:
    """The checkpoint, mixed with the counts of the text that was trained on if `config.mix` is `on`, or if it is `auto`
    and they pay, and the `device` that it was trained on is no GPU, whose engine does not mix.

    Its record has `mix`, what was measured: losses of the network and of the mixture on the same held-out tokens, in
    nats, with weights that each half of them gave to the other; the counts' `share` of the probability of what came
    next; and how many `generated_lines` of both stand in the text. The `validation_loss` becomes that much less, and
    the `generated_lines` of the checkpoint that is returned are in its record, too.
    """
    if config.mix == "off" or (config.mix == "auto" and device != "cpu"):
        return checkpoint
    if not isinstance(source, TrainingText) or checkpoint.config.outputs > MAX_IDS:
        return checkpoint
    try:
        table, gain = _weighed(checkpoint, source, config)
    except ValueError as error:
        log.info("the text has no counts to mix with its network: %s", error)
        return checkpoint
    mixed = replace(checkpoint, ngrams=table)
    network, mixture = generated_lines(checkpoint, source), generated_lines(mixed, source)
    copies = {"network": _copies(network), "mixture": _copies(mixture)}
    reason = _reason(config.mix, gain, copies)
    log.info("counts of %d bytes gain %.4f nats per token; %s", table.nbytes, gain.nats, reason or "they are mixed in")
    measured = {"is_mixed": not reason, **asdict(gain), "bytes": table.nbytes, "generated_lines": copies}
    if reason:
        return checkpoint.with_record(checkpoint.record.updated(mix={**measured, "reason": reason}, **network))
    return mixed.with_record(checkpoint.record.updated(mix=measured, **mixture, **_lower_loss(checkpoint, gain)))


def _weighed(checkpoint: Checkpoint, source: TrainingText, config: TrainingConfig) -> tuple[NgramTable, Gain]:
    """Raises ValueError if the text has no counts, or too little is held out."""
    training, held_out = split(source.ids, config.validation_fraction, config.segment_length, config.validation_split)
    training = training.spread(_most(config.budget, TOKENS_A_SECOND, MOST_TOKENS))
    held_out = held_out.spread(_most(config.budget, HELD_OUT_A_SECOND, MOST_HELD_OUT))
    counts = count(training, len(training), MAX_PAIRS, source.vocabulary.unknown_id)
    return mixture(counts, CpuEngine(checkpoint), held_out)


def _copies(comparison: Comparison) -> dict[str, int]:
    found: dict[str, int] = comparison.get("generated_lines", {"lines": 0, "copied": 0})
    return found


def _most(budget: Budget, a_second: int, most: int) -> int:
    return most if budget.minutes is None else min(most, int(60 * budget.minutes * a_second))


def _reason(mix: Mix, gain: Gain, copies: dict[str, dict[str, int]]) -> str:
    """Why the counts are not mixed in; empty if they are."""
    if mix == "on":
        return ""
    if gain.nats < LEAST_GAIN:
        return f"the gain is less than {LEAST_GAIN} nats per token"
    before, after = (each["copied"] / max(1, each["lines"]) for each in (copies["network"], copies["mixture"]))
    if after - before > MOST_COPIED:
        return f"the share of generated lines that stand in the text would grow by more than {MOST_COPIED}"
    return ""


def _lower_loss(checkpoint: Checkpoint, gain: Gain) -> dict[str, Any]:
    loss = checkpoint.record.validation_loss
    return {} if loss is None else {"validation_loss": loss - gain.nats, "bits_per_character": bits(loss - gain.nats)}
