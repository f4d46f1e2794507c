"""Durable storage: files and folders that appear atomically, values that are read back or reported as damaged, locks
between processes, the time. Knows nothing of what files contain.

`files` is a small store of values by name: put, put if absent, read; under a lock of `locks`, compare and swap.

What a medium must promise, so that this package could be written for another one:

- put: a value is replaced as a whole or not at all, and is durable when the call returns (`files.put`);
- put if absent: of several processes, one succeeds (`files.put_new`);
- read: a value as it was put, or an error (`files.read`, `reading`);
- compare and swap: what is read and put under a lock is seen by no other holder in between (`locks.locked`);
- list the names in a folder, and delete one (`entries.drop`);
- name a folder with all its files in one step, and take the name away in one step (`drafts.put_new_folder`,
  `drafts.withdraw`);
- locks that end with the process that holds them, however it ends (`locks.claim`; drafts rely on it too, to tell
  abandoned ones).

Several users need more, namely a local file system of POSIX: `CorpusStore` and `ModelStore` hand out paths; token ids
are memory-mapped; conversion, excerpts and event logs seek; an event log is appended to; locks are flock's.
"""
