//! How fast datasets are read, in rows a second on one core.
//!
//! Makes its own files in the folder that is named, or a temporary one, reads each three times, and prints the best
//! as a line of JSON: `cargo run --release -p linprobe-source --example read_bench`. Other programs can be measured over
//! what it leaves in the folder.

use std::{
    collections::HashMap,
    error::Error,
    fs::{self, File},
    io::{BufWriter, Write},
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use linprobe_source::{SourceOptions, open};
use parquet::{arrow::ArrowWriter, basic::Compression, file::properties::WriterProperties};

const N_ROWS: u32 = 400_000;
const N_VECTORS: u32 = 200_000;
const N_FILES: u32 = 2000;
const DIMENSION: u32 = 512;

/// Rows that are written to the Parquet file at once.
const PARQUET_ROWS: u32 = 40_000;

fn main() -> Result<(), Box<dyn Error>> {
    let own = tempfile::tempdir()?;
    let named = std::env::args_os().nth(1).map(PathBuf::from);
    let root = named.as_deref().unwrap_or(own.path());
    measure("data/jsonl", &write_json_lines(root)?)?;
    measure("data/csv", &write_csv(root)?)?;
    measure("data/npy", &write_npy(root)?)?;
    measure("data/hf-parquet", &write_parquet(root)?)?;
    measure("data/webdataset", &write_shard(root)?)?;
    measure("data/folder", &write_folder(root)?)?;
    Ok(())
}

fn measure(name: &str, path: &Path) -> Result<(), Box<dyn Error>> {
    let mut best = 0.0_f64;
    for _ in 0..3 {
        let start = Instant::now();
        let source = open(path, &SourceOptions::default())?;
        let mut n_rows = 0_u32;
        for record in source.records() {
            record?;
            n_rows += 1;
        }
        best = best.max(f64::from(n_rows) / start.elapsed().as_secs_f64());
    }
    let line = format!(r#"{{"bench": "{name}", "value": {best:.0}, "unit": "rows/s"}}"#);
    writeln!(std::io::stdout(), "{line}")?;
    Ok(())
}

/// A text of some hundred characters, a different one for each row.
fn text(row: u32) -> String {
    format!(
        "Row {row} asks, as \"{}\" do: is a card that was ordered weeks ago still on its way, \
             or is it lost?",
        row.wrapping_mul(2_654_435_761)
    )
}

fn write_json_lines(root: &Path) -> Result<PathBuf, Box<dyn Error>> {
    let path = root.join("rows.jsonl");
    let mut file = BufWriter::new(File::create(&path)?);
    for row in 0..N_ROWS {
        let text = text(row).replace('"', "\\\"");
        writeln!(
            file,
            r#"{{"id": "r{row}", "text": "{text}", "label": "c{}", "n": {row}}}"#,
            row % 77
        )?;
    }
    file.flush()?;
    Ok(path)
}

fn write_csv(root: &Path) -> Result<PathBuf, Box<dyn Error>> {
    let path = root.join("rows.csv");
    let mut file = BufWriter::new(File::create(&path)?);
    writeln!(file, "id,text,label,n")?;
    for row in 0..N_ROWS {
        writeln!(file, "r{row},\"{}\",c{},{row}", text(row).replace('"', "\"\""), row % 77)?;
    }
    file.flush()?;
    Ok(path)
}

fn write_npy(root: &Path) -> Result<PathBuf, Box<dyn Error>> {
    let path = root.join("rows.npy");
    let mut file = BufWriter::new(File::create(&path)?);
    let dict = format!(
        "{{'descr': '<f4', 'fortran_order': False, 'shape': ({N_VECTORS}, {DIMENSION}), }}"
    );
    file.write_all(b"\x93NUMPY\x01\x00\x76\x00")?;
    writeln!(file, "{dict:<117}")?;
    for row in 0..N_VECTORS {
        for column in 0..DIMENSION {
            let value = f32::from_bits(0x3f80_0000 | (row.wrapping_mul(31) ^ column) & 0x7f_ffff);
            file.write_all(&value.to_le_bytes())?;
        }
    }
    file.flush()?;
    Ok(path)
}

/// Texts and the numbers of their classes, as the library `datasets` writes them.
fn write_parquet(root: &Path) -> Result<PathBuf, Box<dyn Error>> {
    let path = root.join("rows.parquet");
    let columns = |first: u32| {
        let rows = || first..first + PARQUET_ROWS;
        let texts: ArrayRef = Arc::new(StringArray::from_iter_values(rows().map(text)));
        let classes: ArrayRef =
            Arc::new(Int64Array::from_iter_values(rows().map(|row| i64::from(row % 77))));
        RecordBatch::try_from_iter([("text", texts), ("label", classes)])
    };
    let names: Vec<String> = (0..77).map(|class| format!("\"c{class}\"")).collect();
    let features = format!(
        r#"{{"info": {{"features": {{"label": {{"names": [{}], "_type": "ClassLabel"}}}}}}}}"#,
        names.join(", ")
    );
    let metadata = HashMap::from([("huggingface".to_owned(), features)]);
    let schema = Arc::new(columns(0)?.schema().as_ref().clone().with_metadata(metadata));
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let file = File::create(&path)?;
    let mut writer = ArrowWriter::try_new(file, Arc::clone(&schema), Some(properties))?;
    for first in (0..N_ROWS).step_by(PARQUET_ROWS as usize) {
        writer.write(&columns(first)?.with_schema(Arc::clone(&schema))?)?;
    }
    writer.close()?;
    Ok(path)
}

/// Samples of a picture of 16 kB and its class.
fn write_shard(root: &Path) -> Result<PathBuf, Box<dyn Error>> {
    let path = root.join("shard.tar");
    let mut archive = tar::Builder::new(BufWriter::new(File::create(&path)?));
    for sample in 0..N_FILES {
        let class = (sample % 100).to_string();
        for (ending, content) in [("jpg", &[0x5a; 16 << 10][..]), ("cls", class.as_bytes())] {
            let mut header = tar::Header::new_gnu();
            header.set_size(content.len() as u64);
            header.set_mode(0o644);
            archive.append_data(&mut header, format!("{sample:06}.{ending}"), content)?;
        }
    }
    archive.into_inner()?.flush()?;
    Ok(path)
}

/// Files of 16 kB, the size of a small JPEG.
fn write_folder(root: &Path) -> Result<PathBuf, Box<dyn Error>> {
    let path = root.join("images");
    for row in 0..N_FILES {
        let class = path.join(format!("class_{}", row % 100));
        fs::create_dir_all(&class)?;
        File::create(class.join(format!("img_{row}.jpg")))?.write_all(&[0x5a; 16 << 10])?;
    }
    Ok(path)
}
