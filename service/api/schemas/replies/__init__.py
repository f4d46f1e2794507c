"""The JSON of every reply, one module for each group of routes: the types that are sent and documented, and functions
that create them from the service's values. They are TypedDicts, so creating one costs no more than a dict."""
