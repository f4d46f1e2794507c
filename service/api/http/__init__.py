"""What every route shares of HTTP: who asks, what a body may be, how an answer and an error are sent."""
