"""Character-level recurrent language models: the network, its training, its generation; knows no HTTP, no Redis."""

__version__ = "0.1.0"
