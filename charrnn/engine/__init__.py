"""Generating for many sequences at once: the engines, and the interface that they share."""
