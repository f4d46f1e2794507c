"""Durable storage: files and folders that appear atomically, values that are read back or reported as damaged, locks
between processes, the time. Knows nothing of what files contain.

`files` is a small store of values by name: put, put if absent, read; under a lock of `locks`, compare and swap.
"""
