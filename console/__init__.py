"""What every command-line program owes its terminal: exit statuses, errors in one line, a quiet end."""
