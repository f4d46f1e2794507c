"""What a person types: the command line of the service."""
