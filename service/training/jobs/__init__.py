"""Jobs and their runs: what is asked for, and the directory that holds all that is known about it; trains nothing."""
