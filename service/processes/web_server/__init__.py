"""How web processes talk to their clients: gunicorn's processes and parser, connections that wait without a thread."""
