"""The engine for GPUs: a network's step in torch's operations, recorded once as a graph; and the reference engine."""
