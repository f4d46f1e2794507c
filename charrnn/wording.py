"""Counts in English messages."""

from __future__ import annotations


def count(n: int, noun: str, separator: str = "") -> str:
    """So many of something: `count(1, "character")` is "1 character", `count(2, "character")` "2 characters"."""
    return f"{n:{separator}} {noun}{'' if n == 1 else 's'}"
