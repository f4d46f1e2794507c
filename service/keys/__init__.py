"""Keys: API keys in the key file, and those that the service makes by itself."""
