"""The bodies of requests and replies, with their bounds and meanings."""
