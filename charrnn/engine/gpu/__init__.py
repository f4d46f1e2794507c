"""The GPU engine: a network's step in torch operations, captured once as a CUDA graph; and the reference engine."""
