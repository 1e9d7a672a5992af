//! What became of the users of a file.

use std::collections::BTreeMap;
use std::fmt::Display;

use countersign::import::Newcomer;
use countersign::store::Imported;
use serde_json::{Value, json};

use crate::command::output::{print, print_json, table};
use crate::command::progress::Progress;
use crate::failure::Failure;

/// The most refusals that the JSON lists; all are counted.
const MOST_LISTED: usize = 1000;

/// Counts of one import. Each refusal is told on standard error when it happens.
pub(super) struct Summary {
    is_check: bool,
    progress: Progress,
    added: u64,
    /// Of those that are added, the ones whose names got a number.
    numbered: u64,
    known: u64,
    refused: u64,
    passed_over: u64,
    /// Users that are added, by what their passwords are hashed with.
    schemes: BTreeMap<&'static str, u64>,
    refusals: Vec<Value>,
}

impl Summary {
    pub(super) fn new(is_check: bool, progress: Progress) -> Self {
        Self {
            is_check,
            progress,
            added: 0,
            numbered: 0,
            known: 0,
            refused: 0,
            passed_over: 0,
            schemes: BTreeMap::new(),
            refusals: Vec::new(),
        }
    }

    fn read(&self) -> u64 {
        self.added + self.known + self.refused
    }

    pub(super) fn show_progress(&mut self) {
        self.progress.show(self.read());
    }

    pub(super) fn count(&mut self, place: usize, newcomer: &Newcomer, outcome: Imported) {
        let user = &newcomer.user;
        match outcome {
            Imported::Added | Imported::AddedAs(_) => {
                self.added += 1;
                self.numbered += u64::from(matches!(outcome, Imported::AddedAs(_)));
                let scheme = user.password_hash.as_ref().map_or("none", |hash| hash.scheme().name());
                *self.schemes.entry(scheme).or_default() += 1;
            }
            Imported::Known => self.known += 1,
            Imported::Refused(error) => {
                let address = user.email.as_ref().filter(|_| newcomer.is_name_derived);
                let who = address.map_or_else(|| user.username.to_string(), ToString::to_string);
                self.refuse(place, Some(&who), &error);
            }
        }
    }

    /// `who` is a name or an address that can be shown.
    /// Users who were added.
    pub(super) fn added(&self) -> u64 {
        self.added
    }

    pub(super) fn refuse(&mut self, place: usize, who: Option<&str>, reason: &dyn Display) {
        self.refused += 1;
        let user = who.map(|who| format!("{who}: ")).unwrap_or_default();
        self.progress.say(&format!("{place}: {user}{reason}"));
        if self.refusals.len() < MOST_LISTED {
            self.refusals.push(json!({ "place": place, "user": who, "reason": reason.to_string() }));
        }
    }

    pub(super) fn pass_over(&mut self) {
        self.passed_over += 1;
    }

    /// Prints the counts, if there is anything to count.
    pub(super) fn print(&mut self, json: bool) -> Result<(), Failure> {
        self.progress.clear();
        if self.read() + self.passed_over == 0 {
            return Ok(());
        }
        if json {
            return print_json(&json!({
                "check": self.is_check,
                "read": self.read(),
                "added": self.added,
                "numbered": self.numbered,
                "known": self.known,
                "refused": self.refused,
                "passed_over": self.passed_over,
                "added_by_hash": self.schemes,
                "refusals": self.refusals,
            }));
        }
        let added = if self.is_check { "would be added" } else { "added" };
        let passed_over = match self.passed_over {
            0 => String::new(),
            count => format!(", {count} passed over that are no users"),
        };
        let numbered = match self.numbered {
            0 => String::new(),
            count => format!("\n{count} {added} with a number behind a name that another has"),
        };
        let (new, known, refused) = (self.added, self.known, self.refused);
        let counts = format!("{new} {added}, {known} here already, {refused} refused{passed_over}{numbered}");
        let rows = self.schemes.iter().map(|(scheme, count)| [(*scheme).to_owned(), count.to_string()]);
        print(&format!("{counts}\n\n{}", table(["HASH", "USERS"], &rows.collect::<Vec<_>>())))
    }

    /// Whoever was refused makes the command fail, after all others were taken over; and so does a file without users.
    pub(super) fn verdict(&self) -> Result<(), Failure> {
        if self.refused > 0 {
            return Err(Failure::work(format!(
                "{} of {} users were refused: correct these lines and import the file once more",
                self.refused,
                self.read()
            )));
        }
        if self.read() == 0 {
            return Err(Failure::work("the file has no users: if it should have some, name what it is by --format"));
        }
        Ok(())
    }
}
