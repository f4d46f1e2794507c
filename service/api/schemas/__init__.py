"""The bodies that requests send and the replies that they get, with their bounds and meanings."""
