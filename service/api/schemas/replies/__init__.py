"""The JSON of every reply, one module a group of routes: the types that the document shows and that are sent, and what
makes them of the service's values. They are dicts with types (TypedDict), so making one costs what a dict costs."""
