"""The processes of the service: how they are started, supervised and stopped."""
