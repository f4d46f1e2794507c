"""HTTP as shared by all routes: keys, bodies, responses, events, errors, the access log and metrics; knows no
routes."""
