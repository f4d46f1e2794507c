"""The GPU engine: a network's step in torch operations, recorded once as a CUDA graph; and the reference engine."""
