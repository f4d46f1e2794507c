"""The queue of jobs: submission, resubmission of missing jobs, and the workers that are alive; trains nothing."""
