"""Files that come into being whole, and locks between processes: what a disk promises to the rest of the house."""
