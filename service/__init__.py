"""The REST service around the networks: generation, training, HTTP, and the processes that they run in."""

from typing import Final

VERSION: Final = "0.1.0"
