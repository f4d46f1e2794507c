"""In which encoding a text is: as it was declared, or as it can be told from its bytes; knows no corpora."""
