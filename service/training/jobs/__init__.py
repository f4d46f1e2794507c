"""Jobs and their runs: requests, plans, progress and results, in one directory for each job; trains nothing."""
