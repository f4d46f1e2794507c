"""The REST service: generation, training jobs, the HTTP API, and their processes."""
