//! How fast datasets are read, in rows a second on one core.
//!
//! Makes its own files in a temporary folder, reads each three times, and prints the best as a line
//! of JSON: `cargo run --release -p linprobe-source --example read_bench`.

use std::{
    error::Error,
    fs::{self, File},
    io::{BufWriter, Write},
    path::{Path, PathBuf},
    time::Instant,
};

use linprobe_source::{SourceOptions, open};

const N_ROWS: u32 = 400_000;
const N_VECTORS: u32 = 200_000;
const N_FILES: u32 = 2000;
const DIMENSION: u32 = 512;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let root = folder.path();
    measure("data/jsonl", &write_json_lines(root)?)?;
    measure("data/csv", &write_csv(root)?)?;
    measure("data/npy", &write_npy(root)?)?;
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
