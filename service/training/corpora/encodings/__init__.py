"""The encoding of a text, declared or detected; knows no corpora."""
