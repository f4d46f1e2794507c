"""Training as a service: corpora, jobs, the queue and what a worker does; knows no HTTP and no generation."""
