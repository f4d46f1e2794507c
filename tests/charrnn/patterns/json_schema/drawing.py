"""JSON texts drawn from a schema's automaton, and what a validator says of them."""

from __future__ import annotations

import json
from random import Random
from typing import Any, Final

import numpy as np
from jsonschema import Draft202012Validator

from charrnn.patterns.automaton import Automaton
from charrnn.patterns.compiling import Pattern, compile_pattern
from charrnn.vocabulary import Vocabulary

CHARACTERS: Final = "".join(sorted({*map(chr, range(32, 127)), *"\n\tßé\u0663\u2028\U0001f600"}))
VOCABULARY: Final = Vocabulary(CHARACTERS)


def automaton_of(schema: Any) -> Automaton:
    """The automaton of a schema over CHARACTERS."""
    return compile_pattern(Pattern("json_schema", json.dumps(schema)), VOCABULARY, len(VOCABULARY)).automaton


def drawn(automaton: Automaton, random: Random, more: int) -> str:
    """A text that fits: each character any after which it can still end within `more` more than the fewest."""
    state, ids, left = 0, [], int(automaton.distances[0]) + more
    while not (automaton.may_end(state) and random.random() < 0.2):
        choosable = np.flatnonzero(automaton.choosable(state, left))
        if not choosable.size:
            break
        ids.append(int(random.choice(choosable)))
        state, left = automaton.after(state, ids[-1:]), left - 1
    return VOCABULARY.decode(ids)


def takes(automaton: Automaton, text: str) -> bool:
    """Whether a text fits."""
    try:
        return automaton.may_end(automaton.after(0, VOCABULARY.encode(text).tolist()))
    except ValueError:
        return False


def validator_of(schema: Any) -> Draft202012Validator:
    """A validator that checks formats, too."""
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
