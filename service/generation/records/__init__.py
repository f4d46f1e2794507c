"""Any number of records of one seed, in order, with only as much in memory as is generated at a time."""
