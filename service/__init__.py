"""The REST service around the networks: generation, training, HTTP, and the processes that they run in."""
