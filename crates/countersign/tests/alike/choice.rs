//! Values of chance, out of so few that steps meet one another.

use std::collections::{BTreeMap, BTreeSet};

use countersign::audit::AuditId;
use countersign::client::{ClientId, ClientSecret, Grant};
use countersign::password::PasswordHash;
use countersign::session::SessionId;
use countersign::status::{StatusListId, StatusPlace};
use countersign::store::SearchText;
use countersign::token::{ScopeSet, Subject};
use countersign::user::{EmailAddress, FullName, UserId, Username};

use crate::samples;

const THEN: i64 = 1_700_000_000;

/// Numbers that look random and are the same for the same seed (`SplitMix64`).
pub(crate) struct Choice {
    state: u64,
    /// How many ids users have.
    pub(crate) users: u64,
    /// Sessions and tokens so far: no id is given again.
    made: u64,
}

impl Choice {
    pub(crate) fn new(seed: u64, users: u64) -> Self {
        Self { state: seed, users, made: 0 }
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mixed(self.state)
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    pub(crate) fn one_in(&mut self, many: u64) -> bool {
        self.below(many) == 0
    }

    pub(crate) fn of<T: Clone>(&mut self, all: &[T]) -> T {
        all[usize::try_from(self.below(all.len() as u64)).unwrap()].clone()
    }

    pub(crate) fn some<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.one_in(2) { Some(make(self)) } else { None }
    }

    pub(crate) fn several<T>(&mut self, end: u64, mut make: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..self.below(end)).map(|_| make(self)).collect()
    }

    pub(crate) fn time(&mut self) -> i64 {
        if self.one_in(24) {
            return self.of(&[i64::MIN, -1, 0, i64::MAX]);
        }
        THEN + i64::try_from(self.below(10)).unwrap()
    }

    /// Mostly after the others.
    pub(crate) fn end(&mut self) -> i64 {
        self.time().saturating_add(7)
    }

    pub(crate) fn limit(&mut self) -> usize {
        self.of(&[0, 1, 2, 7, usize::MAX])
    }

    pub(crate) fn text(&mut self) -> String {
        self.of(samples::TEXTS).to_owned()
    }

    /// A few characters out of few.
    fn letters(&mut self, most: u64) -> String {
        (0..=self.below(most)).map(|_| self.of(samples::LETTERS)).collect()
    }

    pub(crate) fn username(&mut self) -> Username {
        loop {
            let typed = if self.one_in(2) { self.of(samples::NAMES).to_owned() } else { self.letters(9) };
            if let Ok(name) = Username::new(&typed) {
                return name;
            }
        }
    }

    pub(crate) fn email(&mut self) -> EmailAddress {
        loop {
            let local = if self.one_in(2) { self.of(samples::NAMES).to_owned() } else { self.letters(9) };
            let domain = self.of(samples::DOMAINS);
            if let Ok(email) = EmailAddress::new(&format!("{local}@{domain}")) {
                return email;
            }
        }
    }

    pub(crate) fn full_name(&mut self) -> FullName {
        loop {
            if let Ok(name) = FullName::new(&self.text()) {
                return name;
            }
        }
    }

    pub(crate) fn search_text(&mut self) -> SearchText {
        loop {
            let typed = match self.below(4) {
                0 => self.username().as_str().to_uppercase(),
                1 => self.email().as_str().to_owned(),
                2 => self.text(),
                _ => self.letters(8),
            };
            let from = usize::try_from(self.below(4)).unwrap();
            let length = usize::try_from(1 + self.below(9)).unwrap();
            let typed = if self.one_in(2) { typed } else { typed.chars().skip(from).take(length).collect() };
            if let Ok(text) = SearchText::new(&typed) {
                return text;
            }
        }
    }

    pub(crate) fn scopes(&mut self) -> ScopeSet {
        ScopeSet::from_tokens(self.several(4, |choice| choice.of(samples::SCOPES))).unwrap()
    }

    pub(crate) fn hash(&mut self) -> PasswordHash {
        PasswordHash::parse(&self.of(samples::HASHES).replace('…', &"A".repeat(42))).unwrap()
    }

    pub(crate) fn user_id(&mut self) -> UserId {
        let first = if self.one_in(4) { 5 } else { self.users };
        user_id(self.below(first))
    }

    /// One that none had before.
    pub(crate) fn new_number(&mut self) -> u64 {
        self.made += 1;
        self.made
    }

    /// One that was had before.
    pub(crate) fn number(&mut self) -> u64 {
        1 + self.below(self.made.max(1))
    }

    /// Which one of those that are kept; seldom 0.
    pub(crate) fn which(&mut self) -> usize {
        usize::try_from(self.below(12)).unwrap()
    }

    pub(crate) fn client_id(&mut self) -> ClientId {
        if self.one_in(2) { ClientId::first_party() } else { self.registered_id() }
    }

    pub(crate) fn registered_id(&mut self) -> ClientId {
        ClientId::new(self.of(&["web", "Web", "a.~"])).unwrap()
    }

    pub(crate) fn secret(&mut self) -> ClientSecret {
        ClientSecret { hash: bytes(self.next()), created_at: self.time() }
    }

    pub(crate) fn grants(&mut self) -> BTreeSet<Grant> {
        self.several(4, |choice| choice.of(&Grant::ALL)).into_iter().collect()
    }

    pub(crate) fn subject(&mut self) -> Subject {
        self.of(samples::SUBJECTS).parse().unwrap()
    }

    pub(crate) fn audit_id(&mut self) -> AuditId {
        let millis = THEN.cast_unsigned() * 1000 + self.below(12) * 500;
        let id = u128::from(millis) << 80 | u128::from(self.below(3)) | 7 << 76;
        AuditId::from_bytes(id.to_be_bytes())
    }

    pub(crate) fn detail(&mut self) -> BTreeMap<String, String> {
        self.several(3, |choice| (choice.text(), choice.text() + "\0")).into_iter().collect()
    }
}

/// Some share their first eight bytes, which are all that SQLite's index of searches knows.
pub(crate) fn user_id(number: u64) -> UserId {
    let id = match number {
        0 => 0,
        1 => u128::MAX,
        2..12 => {
            u128::from([1_u64, 1 << 63, (1 << 63) - 1][usize::try_from(number % 3).unwrap()]) << 64 | u128::from(number)
        }
        _ => u128::from(mixed(number / 3)) << 64 | u128::from(mixed(number)),
    };
    UserId::from_bytes(id.to_be_bytes())
}

pub(crate) fn session_id(number: u64) -> SessionId {
    SessionId::from_bytes(bytes(number))
}

/// No two numbers have the same.
pub(crate) fn status_place(number: u64) -> StatusPlace {
    StatusPlace { list: status_list(number), index: u16::MAX - u16::try_from(number / 3).unwrap() }
}

pub(crate) fn status_list(number: u64) -> StatusListId {
    StatusListId::from_bytes([u8::try_from(number % 3).unwrap(); StatusListId::BYTES])
}

/// Not in the order of the numbers.
pub(crate) fn bytes<const N: usize>(number: u64) -> [u8; N] {
    let mut bytes = [0; N];
    bytes.iter_mut().zip(mixed(number).to_be_bytes()).for_each(|(byte, mixed)| *byte = mixed);
    bytes
}

fn mixed(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    number ^ (number >> 31)
}
