//! Vector stores: an exact memory-mapped one and an in-memory oracle.
