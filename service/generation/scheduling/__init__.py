"""Which sequences are generated and when: the scheduler, its batches, and disconnected clients; knows no requests."""
