"""One module for each group of routes: parse, call, reply. Routes import no routes."""
