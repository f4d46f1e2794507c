"""Training a network on a text: truncated backpropagation through time, exactly resumable; knows no files, no jobs.

`config` (what can be asked for) and `defaults` import no torch; `trainer` is where to start.
"""
