"""One module a group of routes: parse, call, reply. Routes import no routes."""
