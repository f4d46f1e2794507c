"""The records of a corpus: how its file is read, what is wrong with it, and what it has; knows no jobs and no
networks."""
