//! Datasets at rest, read as records: image folders, tables and vector files.
