"""The mirror of the object store in DATA_DIR, which one process of a machine keeps up to date for all of them."""
