"""Generating for many sequences at once: what an engine takes and gives, and the engines themselves."""
