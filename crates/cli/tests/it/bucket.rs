//! Buckets of this machine, which anybody may read: folders below a folder.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    thread,
};

/// Serves the buckets of a folder at an address, for as long as the process runs.
pub(crate) fn serve(buckets: PathBuf) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for connection in listener.incoming() {
            let buckets = buckets.clone();
            thread::spawn(move || answer(&buckets, &connection.unwrap()));
        }
    });
    address
}

fn answer(buckets: &Path, mut connection: &TcpStream) {
    let mut lines = BufReader::new(connection).lines().map_while(Result::ok);
    let Some(first) = lines.next() else { return };
    // What else it says is of no use here, and has to be read all the same.
    lines.take_while(|line| !line.is_empty()).for_each(drop);
    let (method, target) = first.split_once(' ').unwrap();
    let target = target.split(' ').next().unwrap().trim_start_matches('/');
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
    let found = if key.is_empty() {
        Some(listing(&buckets.join(bucket), query).into_bytes())
    } else {
        fs::read(buckets.join(bucket).join(key)).ok()
    };
    let status = if found.is_some() { "200 OK" } else { "404 Not Found" };
    let body = found.unwrap_or_default();
    let head = format!(
        "HTTP/1.1 {status}\r\nconnection: close\r\netag: \"{0}\"\r\ncontent-length: {0}\r\n\r\n",
        body.len()
    );
    connection.write_all(head.as_bytes()).unwrap();
    if method == "GET" {
        connection.write_all(&body).unwrap();
    }
}

/// The objects of a bucket that begin as the query says.
fn listing(bucket: &Path, query: &str) -> String {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let query: BTreeMap<&str, String> =
        pairs.map(|(name, value)| (name, value.replace("%2F", "/"))).collect();
    let prefix = &query["prefix"];
    let folder = fs::read_dir(bucket.join(prefix)).unwrap();
    let mut xml = "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">".to_owned();
    for entry in folder.map(Result::unwrap) {
        let (name, size) =
            (entry.file_name().into_string().unwrap(), entry.metadata().unwrap().len());
        write!(
            xml,
            "<Contents><Key>{prefix}{name}</Key><ETag>{size}</ETag><Size>{size}</Size></Contents>"
        )
        .unwrap();
    }
    xml + "<EncodingType>url</EncodingType><IsTruncated>false</IsTruncated></ListBucketResult>"
}
