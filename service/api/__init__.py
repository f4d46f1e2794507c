"""The HTTP contract: requests parsed, replies shaped, errors mapped; the only folder that imports flask."""
