"""What a disk promises to the other packages: files and folders that come into being whole, values that are read back
or found damaged, locks between processes, the time. Knows nothing of what is in a file.

`files` is a small store of values by name: put, put if absent, read; under a lock of `locks`, compare and swap.
"""
