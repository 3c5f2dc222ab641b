//! What an address of PostgreSQL says: the server and who asks, as libpq reads it, and the table, which is ours.
//!
//! ```text
//! postgres://user@host:port/database?table=schema.name&id=column&embedding=column&text=column
//! ```

use std::{path::PathBuf, time::Duration};

use linprobe_core::StoreError;
use percent_encoding::percent_decode_str;
use tokio_postgres::Config;

use super::{passfile, tls::Trust};
use crate::remote::Variables;

/// How long a statement may take where the address says nothing.
const TIMEOUT: Duration = Duration::from_mins(2);

/// How long making a connection may take where the address says nothing.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// What is right, for whoever wrote something else.
const HINT: &str = "postgres://user@host:port/database?table=schema.name, and where they are not found by \
     themselves &id=column&embedding=column; also &text=column, &where=condition of SQL, &search=approximate, &timeout=seconds and what \
     libpq knows";

/// An address, read.
#[derive(Clone)]
pub(super) struct Address {
    /// The address without a password.
    pub(super) shown: String,
    pub(super) server: Config,
    pub(super) trust: Trust,
    pub(super) columns: Columns,
    pub(super) search: Search,
    /// How long a statement may take.
    pub(super) timeout: Duration,
    /// How long making a connection may take.
    pub(super) connect_timeout: Duration,
}

/// The table and its columns, as far as the address names them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Columns {
    pub(super) schema: Option<String>,
    pub(super) table: String,
    pub(super) id: Option<String>,
    pub(super) embedding: Option<String>,
    pub(super) text: Option<String>,
    /// What rows must be for there to be a record, in SQL.
    pub(super) condition: Option<String>,
}

/// How the highest scores are found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Search {
    /// Every row is looked at.
    #[default]
    Exact,
    /// By an index on the vectors.
    Approximate(Effort),
}

/// How much of an index is looked at; none for what seems right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Effort {
    /// `hnsw.ef_search`.
    pub(super) ef_search: Option<u32>,
    /// `ivfflat.probes`.
    pub(super) probes: Option<u32>,
}

impl Address {
    /// Reads an address; what it leaves out the variables may say.
    pub(super) fn parse(address: &str, variables: &Variables) -> Result<Self, StoreError> {
        let shown = without_password(address);
        let bad = |reason: String| StoreError::Address {
            address: shown.clone(),
            reason,
            hint: HINT.to_owned(),
        };
        let (place, query) = address.split_once('?').unwrap_or((address, ""));
        let mut own = Own::default();
        let mut theirs = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            if !own.take(pair).map_err(bad)? {
                theirs.push(pair);
            }
        }
        let server = server(&format!("{place}?{}", theirs.join("&")), variables).map_err(bad)?;
        let columns = own.columns().map_err(bad)?;
        let search = own.search().map_err(bad)?;
        let mode = own.sslmode.as_deref().or(variables.get("PGSSLMODE")).unwrap_or("prefer");
        let root = own.sslrootcert.or_else(|| variables.get("PGSSLROOTCERT").map(PathBuf::from));
        let (ssl_mode, trust) = Trust::of(mode, root).map_err(bad)?;
        let connect_timeout = server.get_connect_timeout().copied().unwrap_or(CONNECT_TIMEOUT);
        let mut server = server;
        server.ssl_mode(ssl_mode).application_name("linprobe").connect_timeout(connect_timeout);
        let timeout = own.timeout.unwrap_or(TIMEOUT);
        Ok(Self { shown, server, trust, columns, search, timeout, connect_timeout })
    }

    /// Who asks, for hints.
    pub(super) fn user(&self) -> &str {
        self.server.get_user().unwrap_or("the user")
    }
}

/// The parameters that libpq does not know, or the client does not.
#[derive(Default)]
struct Own {
    table: Option<String>,
    id: Option<String>,
    embedding: Option<String>,
    text: Option<String>,
    condition: Option<String>,
    timeout: Option<Duration>,
    sslmode: Option<String>,
    sslrootcert: Option<PathBuf>,
    search: Option<String>,
    effort: Effort,
}

impl Own {
    /// Takes a parameter, if it is one of these.
    fn take(&mut self, pair: &str) -> Result<bool, String> {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = percent_decode_str(value)
            .decode_utf8()
            .map_err(|_bad| format!("{name} is not UTF-8"))?
            .into_owned();
        match name {
            "table" => self.table = Some(value),
            "id" => self.id = Some(value),
            "embedding" => self.embedding = Some(value),
            "text" => self.text = Some(value),
            "where" => self.condition = Some(value),
            "sslmode" => self.sslmode = Some(value),
            "sslrootcert" => self.sslrootcert = Some(value.into()),
            "timeout" => self.timeout = Some(seconds(&value)?),
            "search" => self.search = Some(value),
            "ef_search" => self.effort.ef_search = Some(number(name, &value, 1_000)?),
            "probes" => self.effort.probes = Some(number(name, &value, 32_768)?),
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn search(&self) -> Result<Search, String> {
        match self.search.as_deref() {
            Some("approximate") => Ok(Search::Approximate(self.effort)),
            None | Some("exact" | "") if self.effort != Effort::default() => {
                Err("ef_search and probes say nothing without search=approximate".to_owned())
            }
            None | Some("exact" | "") => Ok(Search::Exact),
            Some(other) => Err(format!("search={other} is neither exact nor approximate")),
        }
    }

    fn columns(&self) -> Result<Columns, String> {
        let named = |name: &Option<String>| name.clone().filter(|name| !name.is_empty());
        let table = named(&self.table).ok_or("it names no table")?;
        let (schema, table) = match table.split_once('.') {
            Some((schema, table)) => (Some(schema.to_owned()), table.to_owned()),
            None => (None, table),
        };
        let (id, embedding, text) = (named(&self.id), named(&self.embedding), named(&self.text));
        Ok(Columns { schema, table, id, embedding, text, condition: named(&self.condition) })
    }
}

fn number(name: &str, text: &str, most: u32) -> Result<u32, String> {
    let number = text.parse().ok().filter(|number| (1..=most).contains(number));
    number.ok_or_else(|| format!("{name}={text} is no number from 1 to {most}"))
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: u32 = text.parse().map_err(|bad| format!("timeout={text}: {bad}"))?;
    if seconds == 0 { Err("timeout=0".to_owned()) } else { Ok(Duration::from_secs(seconds.into())) }
}

/// The server and who asks: what the address leaves out as the variables say, as libpq does.
fn server(address: &str, variables: &Variables) -> Result<Config, String> {
    let mut server: Config = address.parse().map_err(|bad: tokio_postgres::Error| {
        let cause = std::error::Error::source(&bad).map(ToString::to_string);
        cause.unwrap_or_else(|| bad.to_string())
    })?;
    if server.get_hosts().is_empty() {
        server.host(variables.get("PGHOST").unwrap_or("localhost"));
        if let Some(port) = variables.get("PGPORT") {
            server.port(port.parse().map_err(|bad| format!("PGPORT={port}: {bad}"))?);
        }
    }
    if server.get_user().is_none_or(str::is_empty) {
        let user = variables.get("PGUSER").or(variables.get("USER")).ok_or("it names no user")?;
        server.user(user);
    }
    if server.get_dbname().is_none()
        && let Some(database) = variables.get("PGDATABASE")
    {
        server.dbname(database);
    }
    if server.get_password().is_none() {
        let password = variables.get("PGPASSWORD").map(str::to_owned);
        if let Some(password) = password.or_else(|| passfile::password(&server, variables)) {
            server.password(password);
        }
    }
    Ok(server)
}

/// An address without the password in it.
fn without_password(address: &str) -> String {
    let (place, query) = match address.split_once('?') {
        Some((place, query)) => (place, Some(query)),
        None => (address, None),
    };
    let mut shown = match (place.split_once("://"), place.split_once('@')) {
        (Some((scheme, _)), Some((credentials, rest))) => {
            let credentials = credentials.strip_prefix(scheme).unwrap_or(credentials);
            let credentials = credentials.strip_prefix("://").unwrap_or(credentials);
            let user = credentials.split(':').next().unwrap_or_default();
            format!("{scheme}://{user}@{rest}")
        }
        _ => place.to_owned(),
    };
    let kept = query.into_iter().flat_map(|query| query.split('&'));
    let kept: Vec<&str> = kept.filter(|pair| !pair.starts_with("password=")).collect();
    if !kept.is_empty() {
        shown.push('?');
        shown.push_str(&kept.join("&"));
    }
    shown
}

#[cfg(test)]
mod tests {
    use tokio_postgres::config::Host;

    use super::*;

    fn parse(address: &str, variables: &[(&str, &str)]) -> Result<Address, StoreError> {
        let lookup = |name: &str| {
            variables.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned())
        };
        Address::parse(address, &Variables::from_lookup(lookup))
    }

    #[test]
    fn an_address_names_server_table_and_columns() {
        let address = "postgres://ann@db:6000/shop?table=s.items&id=sku&embedding=v&text=a%20b&where=n%3E1&timeout=7";
        let read = parse(address, &[]).unwrap();
        assert_eq!(read.server.get_hosts(), [Host::Tcp("db".into())]);
        assert_eq!(
            (read.server.get_ports(), read.server.get_dbname()),
            (&[6000][..], Some("shop"))
        );
        let Columns { schema, table, id, embedding, text, condition } = read.columns;
        assert_eq!((schema.as_deref(), table.as_str()), (Some("s"), "items"));
        assert_eq!((id.as_deref(), embedding.as_deref()), (Some("sku"), Some("v")));
        assert_eq!((text.as_deref(), condition.as_deref()), (Some("a b"), Some("n>1")));
        assert_eq!(read.timeout, Duration::from_secs(7));
    }

    #[test]
    fn a_password_is_used_and_never_shown() {
        for address in [
            "postgres://ann:se%40cret@db/shop?table=items",
            "postgres://ann@db/shop?table=items&password=se%40cret",
        ] {
            let read = parse(address, &[]).unwrap();
            assert_eq!(read.server.get_password(), Some(b"se@cret".as_slice()));
            assert_eq!(read.shown, "postgres://ann@db/shop?table=items");
        }
        let broken = parse("postgres://ann:secret@db/shop?tabel=items", &[]).err().unwrap();
        assert!(!format!("{broken} {broken:?}").contains("secret"), "{broken:?}");
        assert!(broken.to_string().contains("tabel"), "{broken}");
    }

    #[test]
    fn an_index_is_asked_where_the_address_says_so() {
        let searches = |query: &str| {
            parse(&format!("postgres://ann@db/shop?table=items{query}"), &[]).unwrap().search
        };
        assert_eq!(searches(""), Search::Exact);
        assert_eq!(searches("&search=exact"), Search::Exact);
        let effort = Effort { ef_search: Some(400), probes: None };
        assert_eq!(searches("&ef_search=400&search=approximate"), Search::Approximate(effort));
    }

    #[test]
    fn what_an_address_leaves_out_the_variables_say() {
        let variables =
            [("PGUSER", "ann"), ("PGPASSWORD", "p"), ("PGHOST", "db"), ("PGDATABASE", "shop")];
        let read = parse("postgres://?table=items", &variables).unwrap();
        assert_eq!(read.server.get_hosts(), [Host::Tcp("db".into())]);
        assert_eq!((read.user(), read.server.get_dbname()), ("ann", Some("shop")));
        assert_eq!(read.server.get_password(), Some(b"p".as_slice()));
    }

    #[test]
    fn an_address_that_says_too_little_or_nonsense_is_refused_with_what_is_right() {
        for (address, words) in [
            ("postgres://ann@db/shop", "names no table"),
            ("postgres://db/shop?table=items", "names no user"),
            ("postgres://ann@db/shop?table=items&timeout=0", "timeout=0"),
            ("postgres://ann@db/shop?table=items&sslmode=maybe", "sslmode=maybe"),
            ("postgres://ann@db:many/shop?table=items", "port"),
            ("postgres://ann@db/shop?table=items&search=fast", "neither exact nor approximate"),
            ("postgres://ann@db/shop?table=items&probes=9", "without search=approximate"),
            (
                "postgres://ann@db/shop?table=items&search=approximate&ef_search=1001",
                "from 1 to 1000",
            ),
        ] {
            let refused = parse(address, &[]).err().unwrap().to_string();
            assert!(
                refused.contains(words) && refused.contains("\nhint: postgres://"),
                "{refused}"
            );
        }
    }
}
