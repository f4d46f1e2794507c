"""The processes that the service consists of: how they start, are watched and end."""
