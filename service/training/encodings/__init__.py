"""The encoding of a text: as it was declared, or as it is detected in its bytes; knows no corpora."""
