"""The pages that people use, made of the same routes that every other client calls."""
