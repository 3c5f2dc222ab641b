//! The labelling loop: rounds, labels, refits and a durable journal.
