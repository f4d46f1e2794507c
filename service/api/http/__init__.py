"""What all routes share of HTTP: keys, bodies, responses, events, errors, the log and the metrics; knows no route."""
