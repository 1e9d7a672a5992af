//! Users by what their passwords are hashed with.

use std::collections::BTreeMap;

use countersign::store::{HashRecord, UserStore};
use countersign_password::{Hasher, PasswordHash};
use serde_json::{Value, json};

use crate::command::output::{print, print_json, table};
use crate::failure::Failure;
use crate::settings::Settings;

/// Users that are read in one step.
const AT_ONCE: usize = 1000;

pub(super) async fn run(store: &dyn UserStore, settings: &Settings, json: bool) -> Result<(), Failure> {
    let mut report = Report::new(settings.hasher()?, settings.replace_foreign_hashes);
    let mut after = None;
    loop {
        let page = store.list_hashes(after, AT_ONCE).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        for record in &page {
            report.count(record);
        }
    }
    if json { print_json(&report.json()) } else { print(&report.text()) }
}

/// Hashes that are alike: scheme, parameters, pepper.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Kind {
    scheme: &'static str,
    parameters: String,
    pepper: Option<String>,
    strength: Strength,
}

/// A hash beside one that is made now.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Strength {
    AsNew,
    Weaker,
    /// Nobody can tell, and nobody can log in: its pepper is not there.
    PepperMissing,
}

struct Report {
    hasher: Hasher,
    replaces_foreign: bool,
    users: u64,
    without: u64,
    unreadable: u64,
    kinds: BTreeMap<Kind, u64>,
    /// Users whose hash was upgraded, by the scheme that they came with.
    upgraded: BTreeMap<String, u64>,
}

impl Report {
    fn new(hasher: Hasher, replaces_foreign: bool) -> Self {
        let (kinds, upgraded) = (BTreeMap::new(), BTreeMap::new());
        Self { hasher, replaces_foreign, users: 0, without: 0, unreadable: 0, kinds, upgraded }
    }

    fn count(&mut self, record: &HashRecord) {
        self.users += 1;
        if let Some(scheme) = &record.upgraded_from {
            *self.upgraded.entry(scheme.clone()).or_default() += 1;
        }
        match &record.hash {
            Some(Ok(hash)) => *self.kinds.entry(self.kind(hash)).or_default() += 1,
            Some(Err(_)) => self.unreadable += 1,
            None => self.without += 1,
        }
    }

    fn kind(&self, hash: &PasswordHash) -> Kind {
        Kind {
            scheme: hash.scheme().name(),
            parameters: hash.parameters(),
            pepper: hash.pepper().map(|id| id.to_string()),
            strength: match (self.hasher.lacks_pepper_of(hash), self.hasher.is_outdated(hash)) {
                (true, _) => Strength::PepperMissing,
                (false, true) => Strength::Weaker,
                (false, false) => Strength::AsNew,
            },
        }
    }

    fn count_of(&self, strength: Strength) -> u64 {
        self.kinds.iter().filter(|(kind, _)| kind.strength == strength).map(|(_, users)| users).sum()
    }

    fn upgraded(&self) -> u64 {
        self.upgraded.values().sum()
    }

    fn text(&self) -> String {
        let rows: Vec<_> = self
            .kinds
            .iter()
            .map(|(kind, users)| {
                let strength = match kind.strength {
                    Strength::AsNew => "as new",
                    Strength::Weaker => "weaker",
                    Strength::PepperMissing => "pepper missing",
                };
                let pepper = kind.pepper.clone().unwrap_or_else(|| "-".to_owned());
                [kind.scheme.to_owned(), kind.parameters.clone(), pepper, strength.to_owned(), users.to_string()]
            })
            .collect();
        let weaker = self.count_of(Strength::Weaker);
        let locked_out = self.count_of(Strength::PepperMissing);
        let what_becomes =
            if self.replaces_foreign { "replaced at the next login" } else { "foreign ones are kept (foreign-hashes)" };
        let mut lines =
            vec![format!("{} users: {weaker} with a weaker hash than new ones, {what_becomes}", self.users)];
        lines.extend((locked_out > 0).then(|| {
            format!("{locked_out} who cannot log in: the pepper of their hash is missing, put it into the pepper-file")
        }));
        lines.extend((self.without > 0).then(|| format!("{} without a password", self.without)));
        lines.extend((self.unreadable > 0).then(|| {
            format!(
                "{} whose hash cannot be read: `countersign user set-password` gives them a new one",
                self.unreadable
            )
        }));
        let from: Vec<_> = self.upgraded.iter().map(|(scheme, users)| format!("{users} from {scheme}")).collect();
        let from = if from.is_empty() { String::new() } else { format!(": {}", from.join(", ")) };
        lines.push(format!("{} upgraded at a login{from}", self.upgraded()));
        format!("{}\n{}\n", table(["HASH", "PARAMETERS", "PEPPER", "STRENGTH", "USERS"], &rows), lines.join("\n"))
    }

    fn json(&self) -> Value {
        let kinds: Vec<Value> = self
            .kinds
            .iter()
            .map(|(kind, users)| {
                json!({
                    "scheme": kind.scheme,
                    "parameters": kind.parameters,
                    "pepper": kind.pepper,
                    "is_weaker": kind.strength == Strength::Weaker,
                    "pepper_is_missing": kind.strength == Strength::PepperMissing,
                    "users": users,
                })
            })
            .collect();
        json!({
            "users": self.users,
            "without_password": self.without,
            "unreadable": self.unreadable,
            "hashes": kinds,
            "upgraded": self.upgraded(),
            "upgraded_from": self.upgraded,
        })
    }
}
