"""A text that is learned in moments."""

from typing import Final

FOX: Final = "the quick brown fox jumps over the lazy dog\nand packs my box with five dozen liquor jugs\n" * 20
