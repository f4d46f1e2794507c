"""Training jobs: corpora, jobs, the queue and the worker; knows no HTTP and no generation."""
