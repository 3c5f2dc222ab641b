//! From a sentence or a few examples to a production linear classifier over any embedded dataset.
