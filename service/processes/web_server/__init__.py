"""How web processes talk to their clients: `worker` is the class that gunicorn runs, `event_loop` accepts connections
and watches the idle ones, which need no thread, `request_handler` answers requests in threads."""
