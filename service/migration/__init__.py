"""A service's data, copied from a directory into a store of objects, or back, or from one store to another."""
