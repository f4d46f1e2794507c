"""The keys that requests carry: those in a file and the admin's own."""
