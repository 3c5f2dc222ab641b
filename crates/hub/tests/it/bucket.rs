//! Objects of buckets, from a service on this machine that checks signatures.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use linprobe_hub::{AccessKey, Account, BucketConfig, HubConfig, HubError, Progress, fetch_bucket};
use rusty_s3::{Bucket, Credentials, S3Action, UrlStyle};
use tempfile::TempDir;

const SECRET: &str = "nobody/knows=";
const TOKEN: &str = "a-token";

/// Keys in a part of a listing.
const N_KEYS: usize = 2;

#[derive(Default)]
struct Shared {
    objects: Mutex<BTreeMap<String, Vec<u8>>>,
    requests: Mutex<Vec<String>>,
    /// Bytes after which the first object is cut short.
    cut_after: Mutex<Option<usize>>,
    address: Mutex<String>,
}

struct Service(Arc<Shared>);

impl Service {
    fn start(objects: &[(&str, &[u8])]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let shared = Arc::new(Shared::default());
        *shared.address.lock().unwrap() = format!("http://{}", listener.local_addr().unwrap());
        let owned = objects.iter().map(|(key, bytes)| ((*key).to_owned(), bytes.to_vec()));
        *shared.objects.lock().unwrap() = owned.collect();
        let serving = Arc::clone(&shared);
        thread::spawn(move || {
            for connection in listener.incoming() {
                let serving = Arc::clone(&serving);
                thread::spawn(move || serving.answer(connection.unwrap()));
            }
        });
        Self(shared)
    }

    fn put(&self, key: &str, bytes: &[u8]) {
        self.0.objects.lock().unwrap().insert(key.to_owned(), bytes.to_vec());
    }

    /// The paths of requests with one method since they were asked for last.
    fn requests(&self, method: &str) -> Vec<String> {
        let requests = std::mem::take(&mut *self.0.requests.lock().unwrap());
        requests.into_iter().filter(|request| request.starts_with(method)).collect()
    }

    fn config(&self, folder: &Path, secret: Option<&str>, bearer: Option<&str>) -> HubConfig {
        let key =
            |secret: &str| AccessKey { id: "KEY".into(), secret: secret.into(), session: None };
        let account = Account {
            endpoint: Some(self.0.address.lock().unwrap().clone()),
            key: secret.map(key),
            bearer: bearer.map(Into::into),
            ..Account::default()
        };
        let buckets = BucketConfig { s3: account.clone(), gcs: account };
        let hub = HubConfig::from_variables(|_| None);
        HubConfig { downloads: folder.to_owned(), buckets, ..hub }
    }
}

impl Shared {
    fn answer(&self, mut connection: TcpStream) {
        let mut lines = BufReader::new(&connection).lines().map_while(Result::ok);
        let Some(first) = lines.next() else { return };
        let headers: BTreeMap<String, String> = lines
            .take_while(|line| !line.is_empty())
            .filter_map(|line| line.split_once(": ").map(|(n, v)| (n.to_lowercase(), v.to_owned())))
            .collect();
        let mut words = first.split(' ');
        let (method, target) = (words.next().unwrap(), words.next().unwrap());
        self.requests.lock().unwrap().push(format!("{method} {target}"));
        let address = self.address.lock().unwrap().clone();
        let url: url::Url = format!("{address}{target}").parse().unwrap();
        let (status, body, n_sent) = self.decide(method, &url, &headers);
        let head = format!(
            "HTTP/1.1 {status}\r\nconnection: close\r\netag: \"{}\"\r\ncontent-length: {}\r\n\r\n",
            body.iter().fold(7_u64, |sum, &byte| sum.wrapping_mul(31) + u64::from(byte)),
            body.len()
        );
        connection.write_all(head.as_bytes()).unwrap();
        if method == "GET" {
            connection.write_all(&body[..n_sent.min(body.len())]).unwrap();
        }
    }

    fn decide(
        &self,
        method: &str,
        url: &url::Url,
        headers: &BTreeMap<String, String>,
    ) -> (&'static str, Vec<u8>, usize) {
        let has_token =
            headers.get("authorization").is_some_and(|held| held == &format!("Bearer {TOKEN}"));
        if !has_token && !self.is_signed(method, url) {
            return ("403 Forbidden", Vec::new(), 0);
        }
        let path = url.path().trim_start_matches("/pictures");
        let key = percent_encoding::percent_decode_str(path.trim_start_matches('/'));
        let key = key.decode_utf8().unwrap().into_owned();
        if key.is_empty() {
            let body = self.listing(url).into_bytes();
            return ("200 OK", body, usize::MAX);
        }
        let Some(bytes) = self.objects.lock().unwrap().get(&key).cloned() else {
            return ("404 Not Found", Vec::new(), 0);
        };
        let start = headers.get("range").map_or(0, |range| {
            range.trim_start_matches("bytes=").trim_end_matches('-').parse().unwrap()
        });
        let status = if start > 0 { "206 Partial Content" } else { "200 OK" };
        let cut = if method == "GET" { self.cut_after.lock().unwrap().take() } else { None };
        (status, bytes[start..].to_vec(), cut.unwrap_or(usize::MAX))
    }

    /// Whether a request is signed as the owner of the secret would have signed it at that time.
    fn is_signed(&self, method: &str, url: &url::Url) -> bool {
        let query: BTreeMap<String, String> = url.query_pairs().into_owned().collect();
        let Some(date) = query.get("X-Amz-Date") else { return false };
        let mut date = date.chars();
        let take = |n: usize| date.by_ref().take(n).collect::<String>();
        let [year, month, day, _t, hour, minute, second] = [4, 2, 2, 1, 2, 2, 2].map(take);
        let time = format!("{year}-{month}-{day}T{hour}:{minute}:{second}Z").parse().unwrap();
        let endpoint = self.address.lock().unwrap().parse().unwrap();
        let bucket = Bucket::new(endpoint, UrlStyle::Path, "pictures", "us-east-1").unwrap();
        let owner = Credentials::new("KEY", SECRET);
        let key = url.path().trim_start_matches("/pictures").trim_start_matches('/').to_owned();
        let key = percent_encoding::percent_decode_str(&key).decode_utf8().unwrap().into_owned();
        let validity = Duration::from_hours(1);
        let expected = match (method, key.is_empty()) {
            ("HEAD", _) => bucket.head_object(Some(&owner), &key).sign_with_time(validity, &time),
            (_, false) => bucket.get_object(Some(&owner), &key).sign_with_time(validity, &time),
            (_, true) => {
                let mut action = bucket.list_objects_v2(Some(&owner));
                action.with_prefix(query["prefix"].clone());
                if let Some(token) = query.get("continuation-token") {
                    action.with_continuation_token(token.clone());
                }
                action.sign_with_time(validity, &time)
            }
        };
        let signature = |url: &url::Url| {
            url.query_pairs()
                .find(|(name, _)| name == "X-Amz-Signature")
                .map(|(_, s)| s.into_owned())
        };
        signature(url).is_some() && signature(url) == signature(&expected)
    }

    fn listing(&self, url: &url::Url) -> String {
        let query: BTreeMap<String, String> = url.query_pairs().into_owned().collect();
        let after = query.get("continuation-token").cloned().unwrap_or_default();
        let objects = self.objects.lock().unwrap();
        let below: Vec<_> = objects
            .iter()
            .filter(|(key, _)| key.starts_with(&query["prefix"]) && **key > after)
            .collect();
        let mut xml =
            "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">".to_owned();
        for (key, bytes) in below.iter().take(N_KEYS) {
            let key =
                percent_encoding::utf8_percent_encode(key, percent_encoding::NON_ALPHANUMERIC);
            let (size, sum) = (bytes.len(), bytes.iter().map(|&b| u64::from(b)).sum::<u64>());
            write!(xml, "<Contents><Key>{key}</Key><ETag>&quot;{sum}&quot;</ETag><Size>{size}</Size></Contents>")
                .unwrap();
        }
        if below.len() > N_KEYS {
            write!(xml, "<NextContinuationToken>{}</NextContinuationToken>", below[N_KEYS - 1].0)
                .unwrap();
        }
        write!(
            xml,
            "<EncodingType>url</EncodingType><IsTruncated>{}</IsTruncated></ListBucketResult>",
            below.len() > N_KEYS
        )
        .unwrap();
        xml
    }
}

const OBJECTS: [(&str, &[u8]); 7] = [
    ("dogs/../sly.txt", b"sly"),
    ("dogs//nameless.txt", b"nameless"),
    ("dogs/a b.txt", b"spaced"),
    ("dogs/", b""),
    ("dogs/snow/c+d.txt", b"snow"),
    ("dogs.csv", b"id,text\n1,woof\n"),
    ("other/x.txt", b"x"),
];

fn stage() -> (Service, TempDir) {
    (Service::start(&OBJECTS), tempfile::tempdir().unwrap())
}

fn fetch(address: &str, config: &HubConfig) -> Result<PathBuf, HubError> {
    fetch_bucket(address, config, &Progress::default())
}

#[test]
fn an_object_is_fetched_once_and_offline_without_a_request() {
    let (service, folder) = stage();
    let config = service.config(folder.path(), Some(SECRET), None);
    let file = fetch("s3://pictures/dogs.csv", &config).unwrap();
    assert!(file.ends_with("dogs.csv"), "{file:?}");
    assert_eq!(fs::read(&file).unwrap(), b"id,text\n1,woof\n");
    assert_eq!(service.requests("GET").len(), 1);
    assert_eq!(fetch("s3://pictures/dogs.csv", &config).unwrap(), file);
    assert!(service.requests("GET").is_empty());
    let offline = HubConfig { offline: true, ..config };
    assert_eq!(fetch("s3://pictures/dogs.csv", &offline).unwrap(), file);
    let unknown = fetch("s3://pictures/other/x.txt", &offline).unwrap_err();
    assert!(matches!(unknown, HubError::OfflineAddress { .. }), "{unknown}");
    assert!(service.requests("").is_empty());
}

#[test]
fn a_prefix_is_a_folder_and_no_key_leads_out_of_it() {
    let (service, folder) = stage();
    let config = service.config(folder.path(), Some(SECRET), None);
    for address in ["s3://pictures/dogs", "s3://pictures/dogs/"] {
        let dogs = fetch(address, &config).unwrap();
        assert_eq!(fs::read(dogs.join("a b.txt")).unwrap(), b"spaced");
        assert_eq!(fs::read(dogs.join("snow/c+d.txt")).unwrap(), b"snow");
        assert_eq!(fs::read(dogs.join("%/nameless.txt")).unwrap(), b"nameless");
        assert_eq!(fs::read_dir(&dogs).unwrap().count(), 3);
    }
    let whole = fetch("s3://pictures", &config).unwrap();
    assert!(whole.join("other/x.txt").is_file() && whole.join("dogs.csv").is_file());
}

#[test]
fn only_what_is_new_is_fetched_and_what_is_gone_is_gone() {
    let (service, folder) = stage();
    let config = service.config(folder.path(), Some(SECRET), None);
    let before = fetch("s3://pictures/dogs/", &config).unwrap();
    service.requests("");
    service.put("dogs/a b.txt", b"replaced");
    service.put("dogs/new.txt", b"new");
    service.0.objects.lock().unwrap().remove("dogs/snow/c+d.txt");
    let after = fetch("s3://pictures/dogs/", &config).unwrap();
    assert_ne!(before, after);
    assert_eq!(fs::read(after.join("a b.txt")).unwrap(), b"replaced");
    assert_eq!(fs::read(after.join("new.txt")).unwrap(), b"new");
    assert!(!after.join("snow").exists() && before.join("snow/c+d.txt").is_file());
    let objects = service.requests("GET");
    assert_eq!(
        objects.iter().filter(|request| request.contains(".txt?")).count(),
        2,
        "{objects:?}"
    );
}

#[test]
fn what_was_cut_short_is_gone_on_with() {
    let (service, folder) = stage();
    service.put("big.bin", &vec![7; 10_000]);
    *service.0.cut_after.lock().unwrap() = Some(4_000);
    let config = service.config(folder.path(), Some(SECRET), None);
    let file = fetch("s3://pictures/big.bin", &config).unwrap();
    assert_eq!(fs::read(file).unwrap(), vec![7; 10_000]);
}

#[test]
fn who_may_not_is_told_what_lets_them_in_and_no_secret_is_shown() {
    let (service, folder) = stage();
    for secret in [None, Some("wrong-secret")] {
        let config = service.config(folder.path(), secret, None);
        let refused = fetch("s3://pictures/dogs.csv", &config).unwrap_err().to_string();
        assert!(refused.starts_with("s3://pictures/dogs.csv is not given"), "{refused}");
        assert!(refused.contains("AWS_ACCESS_KEY_ID") && !refused.contains("wrong"), "{refused}");
    }
    let config = service.config(folder.path(), Some(SECRET), None);
    let nothing = fetch("s3://pictures/cats/", &config).unwrap_err();
    assert!(matches!(nothing, HubError::Nothing { .. }), "{nothing}");
}

#[test]
fn google_is_asked_with_a_token() {
    let (service, folder) = stage();
    let config = service.config(folder.path(), None, Some(TOKEN));
    let file = fetch("gs://pictures/dogs.csv", &config).unwrap();
    assert_eq!(fs::read(file).unwrap(), b"id,text\n1,woof\n");
    let config = service.config(folder.path(), None, None);
    let refused = fetch("gs://pictures/dogs/", &config).unwrap_err().to_string();
    assert!(refused.contains("gcloud auth print-access-token"), "{refused}");
}
