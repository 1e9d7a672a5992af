//! Made-up users and sessions, of the shape that the real ones have. Each is made of its number, so that nothing has to be remembered.

use std::fmt::Write as _;

use anyhow::Result;
use countersign::user::Username;
use countersign_axum::Clock;
use countersign_password::{Hasher, Password, Policy};

use crate::server::PASSWORD;

/// Sessions of each user.
pub(crate) const SESSIONS_OF_A_USER: u64 = 10;

const DAY_S: u64 = 86_400;
/// From one registration to the next, so that a million take two years.
const STEP_MS: u64 = 60_000;
const MOST_USERS: u64 = 1_000_000;
/// Statuses of one list.
const PLACES: u64 = 1 << 16;
/// No factor of any number of sessions: going by it, each has its turn once.
const STRIDE: u64 = 982_451_653;
const USER_AGENT: &str =
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";

const FIRST: [&str; 16] = [
    "ada", "bjorn", "chloe", "diego", "elif", "fatima", "goran", "hana", "ivan", "jurgen", "kofi", "leila", "maria",
    "nadia", "omar", "priya",
];
const LAST: [&str; 16] = [
    "andersson",
    "brown",
    "costa",
    "dubois",
    "eriksen",
    "fischer",
    "garcia",
    "haddad",
    "ito",
    "jansen",
    "kowalski",
    "lopez",
    "mbeki",
    "novak",
    "okafor",
    "petrov",
];

/// What rows are made of.
#[derive(Clone)]
pub(crate) struct Rows {
    /// Unix seconds.
    pub(crate) now: u64,
    hash: String,
}

/// A row of `users`.
pub(crate) struct UserRow {
    pub(crate) id: [u8; 16],
    pub(crate) username: String,
    pub(crate) skeleton: String,
    pub(crate) email: String,
    pub(crate) full_name: String,
    pub(crate) created_at: i64,
    pub(crate) hash: String,
}

/// A row of `sessions`.
pub(crate) struct SessionRow {
    pub(crate) id: [u8; 16],
    pub(crate) user: [u8; 16],
    pub(crate) address: String,
    pub(crate) user_agent: &'static str,
    pub(crate) created_at: i64,
    pub(crate) last_used_at: i64,
    pub(crate) expires_at: i64,
    pub(crate) refresh: Option<(i64, [u8; 32], i64)>,
    pub(crate) access_until: i64,
    pub(crate) list: [u8; 9],
    pub(crate) place: i32,
}

impl Rows {
    pub(crate) fn new() -> Result<Self> {
        let now = u64::try_from(Clock::system().now())?;
        let hash = Hasher::new(Policy::default()).hash(&Password::new(PASSWORD.to_owned())?)?;
        Ok(Self { now, hash: hash.as_str().to_owned() })
    }

    /// A user's id: a UUID of version 7, as all are.
    pub(crate) fn user_id(&self, number: u64) -> [u8; 16] {
        let milliseconds = (self.now * 1000).saturating_sub((MOST_USERS - number.min(MOST_USERS)) * STEP_MS);
        let head = (milliseconds << 16) | 0x7000 | (mix(number) & 0xfff);
        let tail = (mix(number ^ 0xabcd) >> 2) | (1 << 63);
        bytes((u128::from(head) << 64) | u128::from(tail))
    }

    /// The name by which a user logs in; unlike any other, also at a glance.
    pub(crate) fn username(number: u64) -> String {
        let of = |names: [&'static str; 16], part: u64| {
            names.get(usize::try_from(part & 15).unwrap_or(0)).copied().unwrap_or("x")
        };
        format!("{}.{}.{number}", of(FIRST, mix(number)), of(LAST, mix(number) >> 8))
    }

    pub(crate) fn user(&self, number: u64) -> Result<UserRow> {
        let username = Self::username(number);
        let skeleton = Username::new(&username)?.skeleton();
        let (first, last) = (username.split('.').next().unwrap_or("x"), username.split('.').nth(1).unwrap_or("x"));
        Ok(UserRow {
            id: self.user_id(number),
            email: format!("user{number}@mail{}.example.com", mix(number) % 40),
            full_name: format!("{first} {last}"),
            skeleton,
            created_at: signed(self.now.saturating_sub((MOST_USERS - number.min(MOST_USERS)) * STEP_MS / 1000)),
            hash: self.hash.clone(),
            username,
        })
    }

    /// The sessions of the users with these numbers, in the order in which they were begun within the last six days.
    pub(crate) fn sessions(&self, from: u64, to: u64) -> impl Iterator<Item = SessionRow> + '_ {
        let count = (to - from) * SESSIONS_OF_A_USER;
        (0..count).map(move |turn| {
            let number = from * SESSIONS_OF_A_USER + turn;
            let user = self.user_id(from + (turn * STRIDE % count) / SESSIONS_OF_A_USER);
            let begun_at = self.now - 6 * DAY_S + turn * 5 * DAY_S / count;
            let last_used = begun_at + mix(number ^ 3) % DAY_S;
            let link = mix(number) % 48;
            let until = signed(last_used + 7 * DAY_S);
            let refresh = Some((signed(link), hash_of(number), until));
            SessionRow { refresh, ..session(number, user, (begun_at, last_used), until) }
        })
    }

    /// Sessions of nobody in particular among the first `users`, that are to be purged at [`purged_at`](Self::purged_at) and not before.
    pub(crate) fn short_sessions(&self, users: u64, count: u64) -> impl Iterator<Item = SessionRow> + '_ {
        (0..count).map(move |turn| {
            let number = (1 << 40) + users * SESSIONS_OF_A_USER + turn;
            let user = self.user_id(mix(number) % users);
            let expires_at = signed(self.now + DAY_S / 4 + turn % 1800);
            session(number, user, (self.now - 3600, self.now - 3600), expires_at)
        })
    }

    /// A session that a login of this user begins, the `turn`th of its run.
    pub(crate) fn begun(&self, number: u64, turn: u64) -> SessionRow {
        let until = signed(self.now + 7 * DAY_S);
        let session = session((1 << 41) + turn, self.user_id(number), (self.now, self.now), until);
        SessionRow { refresh: Some((0, hash_of(turn), until)), ..session }
    }

    /// When the short sessions are over, and no other is.
    pub(crate) fn purged_at(&self) -> i64 {
        signed(self.now + DAY_S / 2)
    }

    /// The ids of the status lists that so many users' sessions have places in.
    pub(crate) fn lists(from: u64, to: u64) -> impl Iterator<Item = [u8; 9]> {
        (from * SESSIONS_OF_A_USER / PLACES..=to * SESSIONS_OF_A_USER / PLACES).map(list_id)
    }
}

fn session(number: u64, user: [u8; 16], (begun_at, last_used): (u64, u64), expires_at: i64) -> SessionRow {
    let (address, list) = (mix(number ^ 5), number / PLACES);
    SessionRow {
        id: bytes((u128::from(mix(number ^ 0x1111)) << 64) | u128::from(mix(number ^ 0x2222))),
        user,
        address: format!("10.{}.{}.{}", address & 255, (address >> 8) & 255, (address >> 16) & 255),
        user_agent: USER_AGENT,
        created_at: signed(begun_at),
        last_used_at: signed(last_used),
        expires_at,
        refresh: None,
        access_until: signed(last_used + 1860),
        list: list_id(list),
        place: i32::try_from(number * 40_503 % PLACES).unwrap_or(0),
    }
}

/// Bytes as PostgreSQL reads them in a text.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::from("\\\\x"), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A number that looks like chance (`SplitMix64`).
pub(crate) fn mix(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

fn bytes(number: u128) -> [u8; 16] {
    number.to_be_bytes()
}

fn hash_of(number: u64) -> [u8; 32] {
    let mut hash = [0; 32];
    for (turn, part) in (0..).zip(hash.chunks_mut(8)) {
        part.copy_from_slice(&mix(number ^ (turn << 56)).to_be_bytes());
    }
    hash
}

fn list_id(list: u64) -> [u8; 9] {
    let mut id = [7; 9];
    for (to, from) in id.iter_mut().zip(mix(list).to_be_bytes()) {
        *to = from;
    }
    id
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
