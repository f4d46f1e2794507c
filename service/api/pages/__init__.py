"""The web interface, whose scripts use the same routes as all other clients."""
