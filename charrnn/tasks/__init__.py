"""The arrangements of input and output that a recurrent network can learn: a module for each task."""
