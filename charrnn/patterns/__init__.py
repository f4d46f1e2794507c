"""Which texts fit a pattern, as a deterministic automaton over a vocabulary's ids."""
