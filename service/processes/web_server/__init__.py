"""The HTTP server of a web process: `worker` is the class that gunicorn runs, `event_loop` accepts connections and
watches the idle ones, which need no thread, `request_handler` answers requests in threads."""
