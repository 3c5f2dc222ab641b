//! Who asks for objects, and where they are: as the tools of each cloud are told.

use std::{fmt, fs, path::Path};

use rusty_s3::Credentials;

/// What opens the buckets of a service.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Account {
    /// Where the service is, where it is not its makers' own.
    pub endpoint: Option<String>,
    /// The region of the buckets.
    pub region: Option<String>,
    /// Signs requests.
    pub key: Option<AccessKey>,
    /// Is sent along.
    pub bearer: Option<String>,
}

/// A key of S3.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessKey {
    /// Its name.
    pub id: String,
    /// What nobody else knows.
    pub secret: String,
    /// What a key for some hours comes with.
    pub session: Option<String>,
}

impl fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessKey")
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { endpoint, region, .. } = self;
        write!(f, "Account {{ endpoint: {endpoint:?}, region: {region:?}, .. }}")
    }
}

impl Account {
    /// That of S3, by the variables and files of its command line.
    pub(crate) fn s3(lookup: &dyn Fn(&str) -> Option<String>) -> Self {
        let home = lookup("HOME").or_else(|| lookup("USERPROFILE")).unwrap_or_default();
        let read = |variable: &str, file: &str| {
            let path = lookup(variable).unwrap_or_else(|| format!("{home}/.aws/{file}"));
            fs::read_to_string(Path::new(&path)).unwrap_or_default()
        };
        let profile = lookup("AWS_PROFILE").unwrap_or_else(|| "default".to_owned());
        let said = Profile {
            keys: read("AWS_SHARED_CREDENTIALS_FILE", "credentials"),
            settings: read("AWS_CONFIG_FILE", "config"),
            name: profile,
        };
        let any = |names: [&str; 2]| names.into_iter().find_map(lookup);
        Self {
            endpoint: any(["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"])
                .or_else(|| said.setting("endpoint_url")),
            region: any(["AWS_REGION", "AWS_DEFAULT_REGION"]).or_else(|| said.setting("region")),
            key: AccessKey::of(|part| lookup(&format!("AWS_{}", part.to_uppercase())))
                .or_else(|| AccessKey::of(|part| said.key(&format!("aws_{part}")))),
            bearer: None,
        }
    }

    /// That of Google Cloud Storage, whose requests carry a token in place of a signature.
    pub(crate) fn gcs(lookup: &dyn Fn(&str) -> Option<String>) -> Self {
        let token = ["GOOGLE_OAUTH_ACCESS_TOKEN", "CLOUDSDK_AUTH_ACCESS_TOKEN"];
        Self {
            endpoint: lookup("STORAGE_EMULATOR_HOST"),
            bearer: token.into_iter().find_map(lookup),
            ..Self::default()
        }
    }

    pub(super) fn credentials(&self) -> Option<Credentials> {
        let AccessKey { id, secret, session } = self.key.clone()?;
        Some(match session {
            Some(session) => Credentials::new_with_token(id, secret, session),
            None => Credentials::new(id, secret),
        })
    }
}

impl AccessKey {
    fn of(part: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let (id, secret) = (part("access_key_id")?, part("secret_access_key")?);
        Some(Self { id, secret, session: part("session_token") })
    }
}

/// What the files of S3's command line say of a person in one of their parts.
struct Profile {
    keys: String,
    settings: String,
    name: String,
}

impl Profile {
    fn key(&self, name: &str) -> Option<String> {
        value(&self.keys, &self.name, name)
    }

    fn setting(&self, name: &str) -> Option<String> {
        let titled = || value(&self.settings, &format!("profile {}", self.name), name);
        value(&self.settings, &self.name, name).or_else(titled)
    }
}

/// The value of a name in a section of an INI file.
fn value(text: &str, section: &str, name: &str) -> Option<String> {
    let mut is_inside = false;
    for line in text.lines().map(str::trim) {
        if let Some(title) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            is_inside = title.trim() == section;
        } else if let (true, Some((found, value))) = (is_inside, line.split_once('='))
            && found.trim() == name
        {
            return Some(value.trim().to_owned());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(variables: &[(&str, &str)]) -> Account {
        let lookup = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        Account::s3(&lookup)
    }

    #[test]
    fn keys_and_regions_come_from_variables_before_files() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            let mut file = fs::File::create(&path).unwrap();
            std::io::Write::write_all(&mut file, text.as_bytes()).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let keys = "[default]\naws_access_key_id = A\naws_secret_access_key = a/b=\n\
            [other]\naws_access_key_id=B\naws_secret_access_key=b\naws_session_token=t\n";
        let settings = "[default]\nregion = eu-west-1\n[profile other]\nregion=us-west-2\n";
        let (keys, settings) = (write("credentials", keys), write("config", settings));
        let files = [("AWS_SHARED_CREDENTIALS_FILE", &*keys), ("AWS_CONFIG_FILE", &*settings)];
        let found = account(&files);
        assert_eq!(found.region.as_deref(), Some("eu-west-1"));
        let key = found.key.unwrap();
        assert_eq!((&*key.id, &*key.secret, key.session), ("A", "a/b=", None));
        let other = account(&[files[0], files[1], ("AWS_PROFILE", "other")]);
        assert_eq!(other.region.as_deref(), Some("us-west-2"));
        assert_eq!(other.key.unwrap().session.as_deref(), Some("t"));
        let given = [("AWS_ACCESS_KEY_ID", "C"), ("AWS_SECRET_ACCESS_KEY", "c")];
        let both = account(&[files[0], files[1], given[0], given[1], ("AWS_REGION", "x")]);
        assert_eq!((&*both.key.unwrap().id, both.region.as_deref()), ("C", Some("x")));
        assert_eq!(account(&[("HOME", "/nowhere")]), Account::default());
    }

    #[test]
    fn secrets_are_not_shown() {
        let given = [("AWS_ACCESS_KEY_ID", "KEY"), ("AWS_SECRET_ACCESS_KEY", "SECRET")];
        let shown = format!("{:?}", account(&given));
        assert!(!shown.contains("KEY") && !shown.contains("SECRET"), "{shown}");
    }
}
