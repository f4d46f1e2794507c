"""What a sequence has to fit: what is checked before it is generated, so that there is always a text that does."""

from __future__ import annotations

import numpy as np

from charrnn.engine.base import Sequence


def check_fit(sequence: Sequence, outputs: int) -> None:
    """Raises ValueError, naming the bound and the value, if the sequence has a pattern of another number of ids than
    can be chosen, in a state that there is not, that takes `end_id` or an id that is not allowed, or that needs more
    ids than `length`."""
    if (fit := sequence.fit) is None:
        return
    automaton, end, allowed = fit.automaton, sequence.end_id, sequence.sampling.allowed_token_ids
    if automaton.classes.size != outputs:
        raise ValueError(f"the pattern must be of {outputs} ids, not {automaton.classes.size}")
    if not 0 <= fit.state < len(automaton):
        raise ValueError(f"the pattern's state must be from 0 to {len(automaton) - 1}, not {fit.state}")
    if end is not None and automaton.taken[end]:
        raise ValueError(f"the pattern must not take end_id, {end}")
    if allowed is not None and (others := np.setdiff1d(np.flatnonzero(automaton.taken), allowed)).size:
        raise ValueError(f"the pattern must take allowed_token_ids only, not {others[0]}")
    if sequence.length < fit.distance:
        raise ValueError(f"length must be at least {fit.distance}, which the pattern needs, not {sequence.length}")
