//! Datasets at rest, read as records: image folders, tables and vector files.
//!
//! [`open`] looks at what stands at a place and gives the [`Source`](linprobe_core::Source) that
//! reads it:
//!
//! | what is there | a record is | its id | its label |
//! |---|---|---|---|
//! | a folder of JPEG, PNG, WebP, GIF, BMP or TIFF files | a file | its path below the folder | its first folder, or what a metadata file says |
//! | `.csv`, `.tsv` | a row | the id column, or the row's index | the label column |
//! | `.jsonl`, `.ndjson`, `.json` | an object | the id key, or its index | the label key |
//! | `.txt` | a line | its index | none |
//! | `.parquet`, `.arrow`, `.feather`, or a folder of them | a row: a text, a picture or a vector | the id column, or the row's index | the label column |
//! | a video, or a folder of them | a frame for each so many seconds | its path and its time, `clip.mp4#t=12.0` | its first folder |
//! | a folder of clip-retrieval | a vector of `img_emb` or `text_emb` | its index | the label column of `metadata` |
//! | `.tar` archives as `WebDataset` has them | a sample: a picture or a text | the name that its members share | the member `cls` |
//! | `.npy` (or a folder of them), `.npz`, `.safetensors` | a row of a matrix | its index, or ids beside it | labels beside it |
//!
//! A folder of pictures may hold files `metadata.csv`, `metadata.jsonl` or `metadata.parquet`, whose column
//! `file_name` names a picture and whose others are kept as its metadata. Folders and files that are named
//! like a split (`train`, `validation`, `test`) give `split` among the metadata. Tables may end in `.gz`. A record that cannot be read is an error that names the file, the row
//! and the reason; those around it keep their ids and contents. Whatever the size of a dataset, one
//! record and a read buffer are in memory at a time, and 16 to 40 bytes for each id that a column
//! gives, which is what it costs to find the ids that are given twice.
//!
//! ```
//! use linprobe_source::{SourceOptions, open};
//!
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("reviews.csv");
//! # std::io::Write::write_all(&mut std::fs::File::create(&path)?, b"text,stars\ngood,5\n")?;
//! let source = open(&path, &SourceOptions::default())?;
//! for record in source.records() {
//!     println!("{:?}", record?);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod clip_retrieval;
mod columnar;
mod failure;
mod folder;
mod hub;
mod natural;
mod open;
mod place;
mod seen;
mod shards;
mod splits;
mod table;
mod vectors;
mod video;

pub use folder::MAX_IMAGE_BYTES;
pub use hub::{FetchError, Fetched, HubDataset};
pub use open::{FilePattern, Kind, SourceOptions, UnknownKind, open};
pub use table::MAX_ROW_BYTES;
pub use vectors::MAX_DIMENSION;
