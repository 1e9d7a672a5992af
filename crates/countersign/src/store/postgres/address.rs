//! Where a database is: a URL, as PostgreSQL's own programs read it, and whether the way there is encrypted.

use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};

/// Connections that a process holds at most, unless it is told otherwise.
const CONNECTIONS: usize = 16;
/// How long a request waits for one that others use, unless more or less is set.
const PATIENCE: Duration = Duration::from_secs(2);
const SCHEMES: [&str; 2] = ["postgres://", "postgresql://"];

/// Where a PostgreSQL database is, and who asks. Printing it shows no password.
#[derive(Clone)]
pub struct Address {
    pub(super) config: Config,
    pub(super) encryption: Encryption,
    pub(super) connections: usize,
    pub(super) patience: Duration,
    is_near: bool,
    shown: String,
}

/// Whether the way to the server is encrypted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Encryption {
    Off,
    /// The server shows a certificate for its name, of an authority in this file, or of one that the machine trusts.
    On(Option<PathBuf>),
}

/// What is wrong with a URL of a database. Nothing of the URL is repeated: a part of it may be a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// It is no such URL.
    #[error(
        "write postgres://USER@HOST:PORT/DATABASE, where special characters of a password are escaped, such as %40 for an @"
    )]
    Form,
    /// It names no host.
    #[error("name the host: postgres://USER@HOST:PORT/DATABASE")]
    NoHost,
    /// The password is where it does not belong.
    #[error("write the password before the host, postgres://USER:PASSWORD@HOST, or into a file of its own")]
    PasswordAsParameter,
    /// `sslmode` would encrypt, or not, without a certificate that is checked.
    #[error(
        "sslmode: write verify-full (or require, which means the same here), or disable for a network that nobody else is on"
    )]
    SslMode,
}

impl Address {
    /// The same, asked with this password.
    #[must_use]
    pub fn password(mut self, password: &str) -> Self {
        self.config.password(password);
        self
    }

    /// Whether the URL holds a password.
    pub fn has_password(&self) -> bool {
        self.config.get_password().is_some()
    }

    /// Whether whoever is on the way to the server can listen: it is on another machine, and nothing is encrypted.
    pub fn can_be_listened_to(&self) -> bool {
        !self.is_near && self.encryption == Encryption::Off
    }

    /// Over at most so many connections at one time; 16 unless set.
    #[must_use]
    pub fn connections(mut self, connections: usize) -> Self {
        self.connections = connections.max(1);
        self
    }

    /// A request waits at most so long for a connection that others use; 2 s unless set.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        if !SCHEMES.iter().any(|scheme| text.starts_with(scheme)) {
            return Err(AddressError::Form);
        }
        // A password may hold a question mark.
        let query_from = text.find('@').unwrap_or_default();
        let query_from =
            text.get(query_from..).and_then(|rest| rest.find('?')).map_or(text.len(), |at| query_from + at);
        let (place, query) = text.split_at(query_from);
        let query = query.trim_start_matches('?');
        let (mut mode, mut authority, mut others) = (None, None, Vec::new());
        for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
            match parameter.split_once('=') {
                Some(("sslmode", value)) => mode = Some(value),
                Some(("sslrootcert", value)) => authority = Some(PathBuf::from(unescaped(value)?)),
                Some(("password", _)) => return Err(AddressError::PasswordAsParameter),
                _ => others.push(parameter),
            }
        }
        let mut config: Config = format!("{place}?{}", others.join("&")).parse().map_err(|_| AddressError::Form)?;
        let is_near = check_hosts(&config)?;
        let encryption = match mode {
            None if is_near => Encryption::Off,
            Some("disable") => Encryption::Off,
            None | Some("require" | "verify-full") => Encryption::On(authority),
            Some(_) => return Err(AddressError::SslMode),
        };
        config.ssl_mode(if encryption == Encryption::Off { SslMode::Disable } else { SslMode::Require });
        // A copy that lags behind decides about nobody's rights.
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        // No parameter is a password.
        let shown = if query.is_empty() { show(&config) } else { format!("{}?{query}", show(&config)) };
        Ok(Self { config, encryption, connections: CONNECTIONS, patience: PATIENCE, is_near, shown })
    }
}

/// Whether all of them are on this machine.
fn check_hosts(config: &Config) -> Result<bool, AddressError> {
    if config.get_hosts().is_empty() {
        return Err(AddressError::NoHost);
    }
    let mut is_near = config.get_hostaddrs().iter().all(IpAddr::is_loopback);
    for host in config.get_hosts() {
        match host {
            Host::Unix(_) => {}
            // A password with an @ that is not escaped would be taken for a part of the name, and shown.
            Host::Tcp(name)
                if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || ".-_:".contains(c)) =>
            {
                return Err(AddressError::Form);
            }
            Host::Tcp(name) => is_near &= name == "localhost" || name.parse().is_ok_and(|ip: IpAddr| ip.is_loopback()),
        }
    }
    Ok(is_near)
}

/// The URL without password and parameters, which may be used in its place where no password is needed.
fn show(config: &Config) -> String {
    let ports = config.get_ports();
    let hosts = config.get_hosts().iter().enumerate().map(|(place, host)| {
        let port = ports.get(place).or(ports.first()).copied().unwrap_or(5432);
        match host {
            Host::Tcp(name) if name.contains(':') => format!("[{name}]:{port}"),
            Host::Tcp(name) => format!("{name}:{port}"),
            Host::Unix(folder) => format!("{}:{port}", folder.display().to_string().replace('/', "%2F")),
        }
    });
    let hosts: Vec<_> = hosts.collect();
    let user = config.get_user().map_or(String::new(), |user| format!("{user}@"));
    let database = config.get_dbname().or(config.get_user()).unwrap_or_default();
    format!("postgres://{user}{}/{database}", hosts.join(","))
}

fn unescaped(value: &str) -> Result<String, AddressError> {
    percent_decode_str(value).decode_utf8().map(Into::into).map_err(|_| AddressError::Form)
}

impl Encryption {
    /// The file of authorities that is named.
    pub(super) fn authority(&self) -> Option<&Path> {
        match self {
            Self::Off | Self::On(None) => None,
            Self::On(Some(file)) => Some(file),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Address").field("at", &self.shown).field("encryption", &self.encryption).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Address {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn an_address_is_shown_without_its_password() {
        for (text, shown) in [
            ("postgres://ada:se%40cret@db.example.com/auth", "postgres://ada@db.example.com:5432/auth"),
            (
                "postgresql://ada:secret@db-1,db-2:6432/auth?options=x",
                "postgres://ada@db-1:5432,db-2:6432/auth?options=x",
            ),
            ("postgres://ada:secret@[::1]:5433", "postgres://ada@[::1]:5433/ada"),
            ("postgres://ada:se?cret@host/auth?sslmode=disable", "postgres://ada@host:5432/auth?sslmode=disable"),
            ("postgres://ada:secret@%2Fvar%2Frun/auth", "postgres://ada@%2Fvar%2Frun:5432/auth"),
        ] {
            let address = read(text);
            assert_eq!(address.to_string(), shown, "{text}");
            assert!(address.has_password());
            assert_eq!(read(&address.to_string()).to_string(), shown);
            let debug = format!("{address:?}");
            assert!(debug.contains(shown) && !debug.contains("cret"), "{debug}");
        }
        let address = read("postgres://ada@localhost/auth");
        assert!(!address.has_password() && address.password("secret").has_password());
    }

    #[test]
    fn the_way_to_another_machine_is_encrypted_unless_that_is_turned_off() {
        let on = |file: Option<&str>| Encryption::On(file.map(PathBuf::from));
        for (text, encryption) in [
            ("postgres://a@127.0.0.1/x", Encryption::Off),
            ("postgres://a@[::1]/x", Encryption::Off),
            ("postgres://a@localhost/x", Encryption::Off),
            ("postgres://a@%2Ftmp/x", Encryption::Off),
            ("postgres://a@localhost/x?sslmode=require", on(None)),
            ("postgres://a@db.example.com/x", on(None)),
            ("postgres://a@localhost,db.example.com/x", on(None)),
            ("postgres://a@localhost/x?hostaddr=192.0.2.1", on(None)),
            (
                "postgres://a@db.example.com/x?sslmode=verify-full&sslrootcert=/etc/my%20ca.pem",
                on(Some("/etc/my ca.pem")),
            ),
            ("postgres://a@db.example.com/x?sslmode=disable", Encryption::Off),
        ] {
            let address = read(text);
            assert_eq!(address.encryption, encryption, "{text}");
            let expected = if encryption == Encryption::Off { SslMode::Disable } else { SslMode::Require };
            assert_eq!(address.config.get_ssl_mode(), expected, "{text}");
            assert_eq!(address.config.get_target_session_attrs(), TargetSessionAttrs::ReadWrite);
        }
    }

    #[test]
    fn what_is_no_address_is_refused_without_being_repeated() {
        for (text, error) in [
            ("", AddressError::Form),
            ("sqlite://secret", AddressError::Form),
            ("host=localhost password=secret", AddressError::Form),
            ("postgres:///x", AddressError::NoHost),
            ("postgres://ada:se@cret@host/x", AddressError::Form),
            ("postgres://ada:secret@host:port/x", AddressError::Form),
            ("postgres://host/x?secret=1", AddressError::Form),
            ("postgres://host/x?password=secret", AddressError::PasswordAsParameter),
            ("postgres://host/x?sslmode=prefer", AddressError::SslMode),
            ("postgres://host/x?sslmode=verify-ca", AddressError::SslMode),
        ] {
            assert_eq!(text.parse::<Address>().unwrap_err(), error, "{text}");
            assert!(!error.to_string().contains("cret"), "{error}");
        }
    }
}
