"""What all command-line programs share: exit statuses, errors in one line, and how they end."""
