"""A version's hidden units: selected, traced along a text, searched for what they follow; draws nothing."""
