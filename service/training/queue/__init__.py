"""How jobs reach workers: submitted, queued, handed in again, and who is alive to take them; trains nothing."""
