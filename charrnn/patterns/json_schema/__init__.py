"""What a JSON schema says, as a pattern's syntax tree."""
