"""Training a network on a text: truncated backpropagation through time, exactly resumable; knows no files, no jobs.

`config` (the parameters) and `defaults` import no torch; start reading in `trainer`.
"""
