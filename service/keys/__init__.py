"""API keys: those in the key file, and the generated admin key."""
