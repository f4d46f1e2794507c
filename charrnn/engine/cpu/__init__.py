"""The engine for processors: a network's step compiled to machine code, over weights packed for it."""
