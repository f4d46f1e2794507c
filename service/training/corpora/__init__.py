"""The texts to train on: uploaded bytes decoded, each text stored once, and its ids; knows no jobs."""
