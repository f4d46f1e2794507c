"""What a worker does with a job: prepares and trains its network, searches units, publishes; knows no HTTP."""
