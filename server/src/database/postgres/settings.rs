//! Where a PostgreSQL database is, and how much of it is used.

use evertill_shared::secret::SecretText;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::time::Duration;
use zeroize::Zeroizing;

/// See [`PostgresSettings::patient_connect`].
const PATIENT_CONNECT: Duration = Duration::from_secs(5);

/// A PostgreSQL database: a primary and its standbys, in any order. Whichever of them takes writes is used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PostgresSettings {
    /// `"host:port"` of every server of the group, or `"host"` for port 5432.
    pub hosts: Vec<String>,
    /// The database's name.
    pub database: String,
    /// The role to log in as.
    pub user: String,
    /// A file that holds the role's password and nothing else. Read anew at each connect.
    #[serde(default)]
    pub password_file: Option<PathBuf>,
    /// The password itself, for programs that make one up; never in a file.
    #[serde(skip)]
    pub password: Option<SecretText>,
    /// The root that signs the servers' certificates, PEM. Without it there is no TLS: for a private line only.
    #[serde(default)]
    pub tls_root: Option<PathBuf>,
    /// How many standbys must confirm each commit: a server that is set to ask for fewer is not written to.
    #[serde(default)]
    pub require_synchronous: Option<u32>,
    /// How many connections write.
    #[serde(default = "PostgresSettings::default_lanes")]
    pub writers: usize,
    /// How many connections read.
    #[serde(default = "PostgresSettings::default_lanes")]
    pub readers: usize,
    /// How many writes may wait, and how many questions. More are refused at once.
    #[serde(default = "PostgresSettings::default_queue")]
    pub queue: usize,
    /// The longest that the database may take for an answer, in milliseconds.
    #[serde(default = "PostgresSettings::default_call_ms")]
    pub call_ms: u64,
    /// Whose connections these are: the server's name and the group's tag, as `pg_stat_activity` shows them.
    #[serde(skip)]
    pub name: String,
}

impl PostgresSettings {
    /// The ordinary settings for a database.
    #[must_use]
    pub fn new(hosts: Vec<String>, database: &str, user: &str) -> Self {
        Self {
            hosts,
            database: database.into(),
            user: user.into(),
            password_file: None,
            password: None,
            tls_root: None,
            require_synchronous: None,
            writers: Self::default_lanes(),
            readers: Self::default_lanes(),
            queue: Self::default_queue(),
            call_ms: Self::default_call_ms(),
            name: String::new(),
        }
    }

    fn default_lanes() -> usize {
        4
    }

    fn default_queue() -> usize {
        2_000
    }

    fn default_call_ms() -> u64 {
        1_000
    }

    /// Makes relative paths usable from anywhere.
    pub fn resolve(&mut self, folder: &Path) {
        for path in [&mut self.password_file, &mut self.tls_root].into_iter().flatten() {
            *path = folder.join(&*path);
        }
    }

    /// Looks for what cannot work, whatever the servers say.
    ///
    /// # Errors
    /// The field, what is wrong with it, and what to write.
    pub fn check(&self) -> Result<(), (&'static str, String, &'static str)> {
        if self.hosts.is_empty() {
            return Err((
                "hosts",
                "is empty".into(),
                "the group's servers, like [\"db1:5432\", \"db2:5432\"]",
            ));
        }
        if let Some(odd) = self.hosts.iter().find(|host| address(host).is_none()) {
            let what = format!("holds \"{odd}\", which is not an address");
            return Err(("hosts", what, "names or addresses with a port, like \"db1:5432\""));
        }
        let numbers = [("writers", self.writers, 64), ("readers", self.readers, 64)];
        for (field, number, most) in numbers {
            if number == 0 || number > most {
                return Err((field, format!("is {number}"), "a number from 1 to 64; 4 is the default"));
            }
        }
        if self.queue == 0 || self.queue > 1_000_000 {
            return Err(("queue", format!("is {}", self.queue), "1 to 1000000; 2000 is the default"));
        }
        if !(50..=60_000).contains(&self.call_ms) {
            return Err((
                "call_ms",
                format!("is {}", self.call_ms),
                "50 to 60000 (milliseconds); 1000 is the default",
            ));
        }
        Ok(())
    }

    /// The longest wait for an answer.
    #[must_use]
    pub fn limit(&self) -> Duration {
        Duration::from_millis(self.call_ms)
    }

    /// How long a connection may take to be made when nobody waits for it: a server under load or far away needs more
    /// for its many steps than for an answer.
    pub(super) fn patient_connect(&self) -> Duration {
        self.limit().max(PATIENT_CONNECT)
    }

    /// How long a statement waits for another's lock: below the limit, so that it is the database that says so
    /// and the connection lives on. After the same time a batch begins no further job.
    pub(super) fn patience(&self) -> Duration {
        self.limit() * 2 / 5
    }

    /// The most connections of this name that the database may hold, ours that live included.
    pub(super) fn most_backends(&self) -> i64 {
        i64::try_from(2 * (self.writers + self.readers) + 8).unwrap_or(i64::MAX)
    }

    /// As `pg_stat_activity` shows it; PostgreSQL cuts at 63 bytes.
    pub(super) fn application_name(&self) -> String {
        let name = format!("evertill {}", self.name);
        let clean = name.trim_end().chars().map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' });
        clean.take(63).collect()
    }

    /// Which database, for people. Holds no secret.
    #[must_use]
    pub fn place(&self) -> String {
        format!("PostgreSQL database \"{}\" at {}", self.database, self.hosts.join(", "))
    }

    /// The password, as it is now.
    pub(super) fn current_password(&self) -> Result<Option<SecretText>, String> {
        let Some(file) = &self.password_file else { return Ok(self.password.clone()) };
        let text = std::fs::read_to_string(file).map(Zeroizing::new);
        let text = text.map_err(|error| {
            format!("its password cannot be read from {}: {error}. Check password_file", file.display())
        })?;
        Ok(Some(SecretText::new(text.trim_end_matches(['\r', '\n']).to_owned())))
    }
}

/// Host and port of `"host:port"`, `"[::1]:port"` or `"host"`.
pub(super) fn address(text: &str) -> Option<(&str, u16)> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => match rest.split_once(']')? {
            (host, "") => (host, 5432),
            (host, port) => (host, port.strip_prefix(':')?.parse().ok()?),
        },
        None => match text.split_once(':') {
            Some((host, port)) => (host, port.parse().ok()?),
            None => (text, 5432),
        },
    };
    let is_plain = !host.is_empty() && !host.contains(['/', ' ', '@', ',']);
    (is_plain && port != 0).then_some((host, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_from_what_is_none() {
        assert_eq!(address("db1:5433"), Some(("db1", 5433)));
        assert_eq!(address("db1"), Some(("db1", 5432)));
        assert_eq!(address("[::1]:5"), Some(("::1", 5)));
        for odd in ["", ":5432", "db1:", "db1:0", "db1:99999", "/var/run", "postgres://u@h", "[::1", "[::1]5"]
        {
            assert_eq!(address(odd), None, "{odd}");
        }
    }

    #[test]
    fn settings_say_what_to_write_and_never_the_password() {
        let text = "hosts = [\"a:1\"]\ndatabase = \"d\"\nuser = \"u\"\npassword_file = \"p\"";
        let mut settings: PostgresSettings = toml::from_str(text).unwrap();
        settings.resolve(Path::new("/store"));
        assert_eq!(settings.password_file.as_deref(), Some(Path::new("/store/p")));
        assert_eq!(settings.check(), Ok(()));
        settings.password = Some(SecretText::new("swordfish".into()));
        assert!(!format!("{settings:?} {}", settings.place()).contains("swordfish"));
        assert_eq!(PostgresSettings { hosts: vec![], ..settings.clone() }.check().unwrap_err().0, "hosts");
        assert_eq!(PostgresSettings { writers: 0, ..settings.clone() }.check().unwrap_err().0, "writers");
        assert!(toml::from_str::<PostgresSettings>(&format!("{text}\npassword = \"x\"")).is_err());
    }
}
