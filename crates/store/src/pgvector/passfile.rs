//! Passwords from the file that libpq's tools keep them in: `host:port:database:user:password`, one a line, `*` for
//! anything, `\` before a colon that is meant.

use std::{fs, path::PathBuf};

use tokio_postgres::{Config, config::Host};

use crate::remote::Variables;

/// The password of a server, if the file has one.
pub(super) fn password(server: &Config, variables: &Variables) -> Option<String> {
    let named = variables.get("PGPASSFILE").map(PathBuf::from);
    let usual = || Some(PathBuf::from(variables.get("HOME")?).join(".pgpass"));
    find(&fs::read_to_string(named.or_else(usual)?).ok()?, server)
}

fn find(lines: &str, server: &Config) -> Option<String> {
    let host = match server.get_hosts().first()? {
        Host::Tcp(host) => host.clone(),
        #[cfg(unix)]
        Host::Unix(_) => "localhost".to_owned(),
    };
    let port = server.get_ports().first().copied().unwrap_or(5432).to_string();
    let user = server.get_user()?;
    let wanted = [&host, &port, server.get_dbname().unwrap_or(user), user];
    lines.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let mut fields = fields(line).into_iter();
        let fits = |wanted: &str| fields.next().is_some_and(|f| f == "*" || f == wanted);
        wanted.into_iter().all(fits).then(|| fields.next())?
    })
}

/// The fields of a line, without the signs that guard colons.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut signs = line.chars();
    while let Some(sign) = signs.next() {
        match sign {
            ':' => fields.push(String::new()),
            '\\' => fields.last_mut().into_iter().for_each(|field| field.extend(signs.next())),
            _ => fields.last_mut().into_iter().for_each(|field| field.push(sign)),
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_that_fits_has_the_password() {
        let lines = "# a note\nother:*:*:ann:no\ndb:5432:shop:ann:a\\:b\\\\c\n*:*:*:*:last\n";
        let find = |address: &str| find(lines, &address.parse().unwrap());
        assert_eq!(find("postgres://ann@db/shop").as_deref(), Some(r"a:b\c"));
        assert_eq!(find("postgres://ann@db:6000/shop").as_deref(), Some("last"));
        assert_eq!(find("postgres://ann@other/x").as_deref(), Some("no"));
    }
}
