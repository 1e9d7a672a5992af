//! What became of the users of a file.

use std::collections::BTreeMap;
use std::fmt::Display;

use countersign::store::Imported;
use countersign::user::NewUser;
use serde_json::{Value, json};

use crate::command::output::{print, print_json, table};
use crate::failure::Failure;

/// The most refusals that the JSON lists; all are counted.
const MOST_LISTED: usize = 1000;

/// Counts of one import. Each refusal is told on standard error when it happens.
pub(super) struct Summary {
    is_check: bool,
    added: u64,
    known: u64,
    refused: u64,
    /// Users that are added, by what their passwords are hashed with.
    schemes: BTreeMap<&'static str, u64>,
    refusals: Vec<Value>,
}

impl Summary {
    pub(super) fn new(is_check: bool) -> Self {
        Self { is_check, added: 0, known: 0, refused: 0, schemes: BTreeMap::new(), refusals: Vec::new() }
    }

    pub(super) fn read(&self) -> u64 {
        self.added + self.known + self.refused
    }

    pub(super) fn count(&mut self, place: usize, user: &NewUser, outcome: Imported) {
        match outcome {
            Imported::Added => {
                self.added += 1;
                let scheme = user.password_hash.as_ref().map_or("none", |hash| hash.scheme().name());
                *self.schemes.entry(scheme).or_default() += 1;
            }
            Imported::Known => self.known += 1,
            Imported::Refused(error) => self.refuse(place, &error),
        }
    }

    pub(super) fn refuse(&mut self, place: usize, reason: &dyn Display) {
        self.refused += 1;
        eprintln!("{place}: {reason}");
        if self.refusals.len() < MOST_LISTED {
            self.refusals.push(json!({ "place": place, "reason": reason.to_string() }));
        }
    }

    /// Prints the counts. Whoever was refused makes the command fail, after all others were taken over.
    pub(super) fn print(&self, json: bool) -> Result<(), Failure> {
        if json {
            print_json(&json!({
                "check": self.is_check,
                "read": self.read(),
                "added": self.added,
                "known": self.known,
                "refused": self.refused,
                "added_by_hash": self.schemes,
                "refusals": self.refusals,
            }))?;
        } else {
            let rows = self.schemes.iter().map(|(scheme, count)| [(*scheme).to_owned(), count.to_string()]);
            let added = if self.is_check { "would be added" } else { "added" };
            let counts = format!("{} {added}, {} here already, {} refused", self.added, self.known, self.refused);
            print(&format!("{counts}\n\n{}", table(["HASH", "USERS"], &rows.collect::<Vec<_>>())))?;
        }
        if self.refused > 0 {
            return Err(Failure::work(format!(
                "{} of {} users were refused: correct these lines and import the file once more",
                self.refused,
                self.read()
            )));
        }
        Ok(())
    }
}
