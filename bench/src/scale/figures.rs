//! What the runs found, and the file in which it waits until the page is made.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};

pub(crate) const ENGINES: [&str; 2] = ["SQLite", "PostgreSQL"];
/// What is measured, in the order of the tables.
pub(crate) const KINDS: [&str; 12] = [
    "login",
    "what a login asks of the store",
    "refresh",
    "GET /users/me",
    "GET /users/me/sessions",
    "a list of users, the first page",
    "a list of users, a deep page",
    "a search that many fit",
    "a search that one fits",
    "a purge of 500 sessions",
    "GET /users/me during a purge",
    "refresh during a purge",
];

/// Everything that was found.
#[derive(Default)]
pub(crate) struct Figures {
    pub(crate) series: Vec<Series>,
    /// Single figures, by the engine and what they are of.
    pub(crate) notes: BTreeMap<(String, String), f64>,
}

/// The times of many requests of one kind, at one size.
pub(crate) struct Series {
    pub(crate) engine: String,
    pub(crate) users: u64,
    pub(crate) what: String,
    pub(crate) count: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    /// CPU time of one, on the average: the server's and the database's.
    pub(crate) server_us: f64,
    pub(crate) database_us: f64,
}

impl Series {
    /// The figures of these times; CPU in seconds for all together.
    pub(crate) fn new((engine, users): (&str, u64), what: &str, times: &[Duration], cpu_s: (f64, f64)) -> Self {
        let mut sorted: Vec<f64> = times.iter().map(|time| time.as_secs_f64() * 1000.0).collect();
        sorted.sort_by(f64::total_cmp);
        let at = |hundredths: usize| {
            let index = sorted.len().saturating_sub(1) * hundredths / 100;
            sorted.get(index).copied().unwrap_or(f64::NAN)
        };
        let count = f64::from(u32::try_from(times.len()).unwrap_or(u32::MAX));
        Self {
            engine: engine.to_owned(),
            users,
            what: what.to_owned(),
            count,
            p50_ms: at(50),
            p99_ms: at(99),
            server_us: cpu_s.0 * 1e6 / count,
            database_us: cpu_s.1 * 1e6 / count,
        }
    }
}

impl fmt::Display for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { engine, users, what, p50_ms, p99_ms, server_us, database_us, .. } = self;
        write!(f, "{engine} {users:>8} {what:<50} p50 {p50_ms:>8.3} ms  p99 {p99_ms:>8.3} ms")?;
        write!(f, "  CPU {server_us:>6.0} + {database_us:>6.0} µs")
    }
}

impl Figures {
    pub(crate) fn note(&mut self, engine: &str, what: &str, value: f64) {
        eprintln!("  {engine}: {what}: {value:.3}");
        self.notes.insert((engine.to_owned(), what.to_owned()), value);
    }

    pub(crate) fn noted(&self, engine: &str, what: &str) -> f64 {
        self.notes.get(&(engine.to_owned(), what.to_owned())).copied().unwrap_or(f64::NAN)
    }

    /// The series of this kind at this size.
    pub(crate) fn of(&self, engine: &str, users: u64, what: &str) -> Option<&Series> {
        self.series.iter().find(|one| one.engine == engine && one.users == users && one.what == what)
    }

    /// Puts what was found in the place of what an earlier run has found of the same.
    pub(crate) fn save(self) -> Result<Self> {
        let mut all = Self::load().unwrap_or_default();
        let is_new = |old: &Series| self.of(&old.engine, old.users, &old.what).is_none();
        all.series.retain(is_new);
        all.series.extend(self.series);
        all.notes.extend(self.notes);
        let series = all.series.iter().map(|one| {
            json!({ "engine": one.engine, "users": one.users, "what": one.what, "count": one.count, "p50_ms": one.p50_ms,
                "p99_ms": one.p99_ms, "server_us": one.server_us, "database_us": one.database_us })
        });
        let notes =
            all.notes.iter().map(|((engine, what), value)| json!({ "engine": engine, "what": what, "value": value }));
        let text = json!({ "series": series.collect::<Vec<_>>(), "notes": notes.collect::<Vec<_>>() });
        std::fs::write(file()?, serde_json::to_vec_pretty(&text)?)?;
        Ok(all)
    }

    /// What earlier runs have found.
    pub(crate) fn load() -> Result<Self> {
        let text: Value = serde_json::from_slice(&std::fs::read(file()?).context("nothing was measured yet")?)?;
        let list = |name: &str| text.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
        let word = |one: &Value, name: &str| one.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let number = |one: &Value, name: &str| one.get(name).and_then(Value::as_f64).unwrap_or(f64::NAN);
        let series = list("series");
        let series = series.iter().map(|one| Series {
            engine: word(one, "engine"),
            users: one.get("users").and_then(Value::as_u64).unwrap_or(0),
            what: word(one, "what"),
            count: number(one, "count"),
            p50_ms: number(one, "p50_ms"),
            p99_ms: number(one, "p99_ms"),
            server_us: number(one, "server_us"),
            database_us: number(one, "database_us"),
        });
        let notes = list("notes");
        let notes = notes.iter().map(|one| ((word(one, "engine"), word(one, "what")), number(one, "value")));
        Ok(Self { series: series.collect(), notes: notes.collect() })
    }
}

/// A figure with as many digits as it deserves.
pub(crate) fn short(value: f64) -> String {
    match value {
        value if value >= 100.0 => format!("{value:.0}"),
        value if value >= 10.0 => format!("{value:.1}"),
        value => format!("{value:.2}"),
    }
}

/// Beside the programs that made it.
fn file() -> Result<PathBuf> {
    let target = std::env::current_exe()?.parent().and_then(Path::parent).context("no target directory")?.to_owned();
    Ok(target.join("scale.json"))
}
