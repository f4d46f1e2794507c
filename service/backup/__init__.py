"""Backups of a data directory that is in use, and how one becomes a directory again; knows no HTTP and no Redis."""
