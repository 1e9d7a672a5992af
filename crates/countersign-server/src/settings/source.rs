//! Where values come from: flags over environment over the file over defaults; what is unknown or wrong is an error.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use countersign::Profile;
use countersign_axum::ErrorStyle;
use countersign_password::HashPool;
use countersign_token::ScopeSet;
use toml::Value;

use crate::failure::Failure;
use crate::settings::Settings;
use crate::settings::table::{CONFIG_FILE_VARIABLE, Setting, TABLE, VARIABLE_PREFIX};

/// Kubernetes sets variables that go on like this for a service called `countersign`.
const FOREIGN: [&str; 2] = ["SERVICE_", "PORT"];

/// Where a value was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nowhere.
    Default,
    /// In this file.
    File(PathBuf),
    /// In this variable.
    Environment(String),
    /// By this flag.
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Environment(name) | Self::Flag(name) => f.write_str(name),
        }
    }
}

/// What the process was given, before any of it is looked at.
#[derive(Clone, Debug, Default)]
pub struct Given {
    /// Names of settings and the values of their flags.
    pub flags: Vec<(&'static str, String)>,
    /// The value of `--config`.
    pub file: Option<PathBuf>,
    /// The environment; what does not begin with `COUNTERSIGN_` is ignored.
    pub environment: Vec<(OsString, OsString)>,
}

/// The settings and where each came from.
#[derive(Clone, Debug)]
pub struct Configuration {
    /// The values.
    pub settings: Settings,
    origins: Vec<Origin>,
}

impl Configuration {
    /// Reads everything that was given. Errors are of the kind that exits with 2: they say where the fault is and what to write.
    pub fn load(given: &Given) -> Result<Self, Failure> {
        let mut loading = Self { settings: Settings::default(), origins: vec![Origin::Default; TABLE.len()] };
        let here = std::env::current_dir().map_err(|error| Failure::work(format!("no current directory: {error}")))?;
        let environment = our_variables(&given.environment)?;

        let named = environment.iter().find(|(name, _)| name == CONFIG_FILE_VARIABLE).map(|(_, value)| value.into());
        if let Some(file) = given.file.clone().or(named) {
            loading.take_file(&here.join(file))?;
        }
        for (name, value) in &environment {
            if name != CONFIG_FILE_VARIABLE {
                let Some(index) = TABLE.iter().position(|setting| setting.variable() == *name) else {
                    return Err(Failure::usage(unknown("variable", name, TABLE.iter().map(Setting::variable))));
                };
                loading.take(index, value, Origin::Environment(name.clone()), &here)?;
            }
        }
        for (name, value) in &given.flags {
            if let Some(index) = TABLE.iter().position(|setting| setting.name == *name) {
                loading.take(index, value, Origin::Flag(format!("--{name}")), &here)?;
            }
        }
        loading.settings.data = here.join(&loading.settings.data);
        loading.check_together()?;
        Ok(loading)
    }

    /// Each setting with the text of its value and where it came from.
    pub fn rows(&self) -> impl Iterator<Item = (&'static Setting, String, &Origin)> {
        TABLE.iter().zip(&self.origins).map(|(setting, origin)| (setting, (setting.show)(&self.settings), origin))
    }

    fn take_file(&mut self, path: &Path) -> Result<(), Failure> {
        let fault = |what: String| Failure::usage(format!("{}: {what}", path.display()));
        let text = std::fs::read_to_string(path).map_err(|error| fault(format!("cannot be read: {error}")))?;
        let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
            let line = error.span().map_or(1, |span| 1 + text.get(..span.start).unwrap_or("").matches('\n').count());
            fault(format!("line {line} is not TOML: {}", error.message()))
        })?;
        let folder = path.parent().unwrap_or(path);
        for (key, value) in &table {
            let Some(index) = TABLE.iter().position(|setting| setting.key() == *key) else {
                return Err(fault(unknown("setting", key, TABLE.iter().map(Setting::key))));
            };
            let text =
                text_of(value).ok_or_else(|| fault(format!("{key}: write a string, a number or true or false")))?;
            self.take(index, &text, Origin::File(path.to_owned()), folder)?;
        }
        Ok(())
    }

    /// `base`: where relative paths start.
    fn take(&mut self, index: usize, text: &str, origin: Origin, base: &Path) -> Result<(), Failure> {
        let (Some(setting), Some(place)) = (TABLE.get(index), self.origins.get_mut(index)) else { return Ok(()) };
        let path = base.join(text);
        let text = if setting.is_path { path.to_str().unwrap_or(text) } else { text };
        (setting.read)(&mut self.settings, text).map_err(|wanted| {
            let place = match &origin {
                Origin::File(path) => format!("{}: {}", path.display(), setting.key()),
                other => other.to_string(),
            };
            let what = if setting.may_hold_a_password() { "the value".to_owned() } else { format!("{text:?}") };
            Failure::usage(format!("{place}: {what} will not do: {wanted}"))
        })?;
        *place = origin;
        Ok(())
    }

    /// What no setting can judge alone.
    fn check_together(&self) -> Result<(), Failure> {
        let settings = &self.settings;
        let hasher = settings.hasher();
        let hasher = hasher.map_err(|error| Failure::usage(format!("hash-memory-kib, hash-iterations: {error}")))?;
        let needed_mib = HashPool::least_budget_mib(&hasher);
        if settings.hashing.memory_budget_mib < needed_mib {
            return Err(Failure::usage(format!(
                "hash-budget-mib: write at least {needed_mib}, the memory of one hash"
            )));
        }
        self.check_database()?;
        if settings.tls_certificate.is_some() != settings.tls_key.is_some() {
            return Err(Failure::usage("tls-certificate, tls-key: one is of no use without the other: give both"));
        }
        let issuer = settings.issuer.as_deref().unwrap_or_default();
        if settings.speaks_tls() && issuer.starts_with("http:") {
            return Err(Failure::usage("issuer: with tls-certificate callers come by https: give the https URL"));
        }
        let of_users =
            |(_, permissions): (&str, &ScopeSet)| !permissions.intersection(&settings.default_scopes).is_empty();
        if settings.entities.iter().any(of_users) {
            return Err(Failure::usage(
                "entities: a scope of default-scopes is no permission as well: an API would take the token for a thing for one of a user",
            ));
        }
        if settings.profile == Profile::OAuth21 && settings.error_style == ErrorStyle::FastApi {
            return Err(Failure::usage(
                "profile: OAuth 2.1 has no password grant, and FastAPI's style no other: leave error-style out",
            ));
        }
        if settings.profile == Profile::OAuth21 && settings.is_plain_and_remote(settings.listen) {
            return Err(Failure::usage(
                "profile: OAuth 2.1 wants TLS: give --tls-certificate and --tls-key, or put a TLS proxy in front and give --issuer its https URL",
            ));
        }
        if settings.peppers.is_some() && !settings.replace_foreign_hashes {
            return Err(Failure::usage(
                "pepper-file: another program cannot read hashes with a pepper: leave it out until foreign-hashes is replace",
            ));
        }
        Ok(())
    }

    fn check_database(&self) -> Result<(), Failure> {
        let origin = TABLE.iter().zip(&self.origins).find(|(setting, _)| setting.name == "database");
        let is_flag = origin.is_some_and(|(_, origin)| matches!(origin, Origin::Flag(_)));
        match &self.settings.database {
            Some(database) if is_flag && database.has_password() => Err(Failure::usage(
                "--database: every process of this machine can read a password there: give the URL by COUNTERSIGN_DATABASE or in the \
                 file, or the password alone by --database-password-file",
            )),
            None if self.settings.database_password.is_some() => Err(Failure::usage(
                "database-password-file: there is no database that it is for: give its URL by database",
            )),
            _ => Ok(()),
        }
    }
}

/// Those variables that are meant for this program. An empty one counts as not set, as deployment tools leave them.
fn our_variables(environment: &[(OsString, OsString)]) -> Result<Vec<(String, String)>, Failure> {
    let mut ours = Vec::new();
    for (name, value) in environment {
        let Some(name) = name.to_str() else { continue };
        let Some(rest) = name.strip_prefix(VARIABLE_PREFIX) else { continue };
        if value.is_empty() || FOREIGN.iter().any(|beginning| rest.starts_with(beginning)) {
            continue;
        }
        let value = value.to_str().ok_or_else(|| Failure::usage(format!("{name}: the value is not UTF-8")))?;
        ours.push((name.to_owned(), value.to_owned()));
    }
    Ok(ours)
}

/// The text that a flag would carry.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Boolean(is_on) => Some(if *is_on { "on" } else { "off" }.to_owned()),
        Value::Array(items) => {
            let words: Option<Vec<_>> = items.iter().map(Value::as_str).collect();
            words.map(|words| words.join(" "))
        }
        // Lists by their names, as in `car: drive unlock; post: edit`.
        Value::Table(table) => {
            let list = |(name, value): (&String, &Value)| {
                let is_list = matches!(value, Value::Array(_)) && !name.contains([':', ';']);
                is_list.then(|| text_of(value)).flatten().map(|words| format!("{name}: {words}"))
            };
            table.iter().map(list).collect::<Option<Vec<_>>>().map(|lists| lists.join("; "))
        }
        Value::Float(_) | Value::Datetime(_) => None,
    }
}

fn unknown(kind: &str, name: &str, known: impl Iterator<Item = String>) -> String {
    let known: Vec<_> = known.collect();
    format!("{name:?} is no {kind}; there are {}", known.join(", "))
}
