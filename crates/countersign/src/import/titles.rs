//! A user under the titles that the parts have in tables and objects: `username`; `email`; `full_name`, `name`, or `first_name`
//! and `last_name`; `disabled`, or its opposites `is_active` and `enabled`; `scope`; `password_hash`, `hashed_password`, or
//! `password`, which holds a hash in Django's table; `created_at`, `date_joined`. Others are passed over: the program had
//! more to say.

use crate::import::record::{CreatedAt, Record, joined};

/// All titles, in the order in which they are asked for.
pub(super) const TITLES: [&str; 15] = [
    "username",
    "email",
    "full_name",
    "name",
    "first_name",
    "last_name",
    "disabled",
    "is_active",
    "enabled",
    "scope",
    "password_hash",
    "hashed_password",
    "password",
    "created_at",
    "date_joined",
];

/// The user that stands under these titles; `text` is what stands under one, if anything does.
pub(super) fn record(text: impl Fn(&str) -> Option<String>) -> Record {
    let first = |titles: &[&str]| titles.iter().find_map(|title| text(title));
    // What is not plainly active stays out.
    let is_active = ["is_active", "enabled"].iter().all(|title| text(title).is_none_or(|text| is_yes(&text)));
    Record {
        username: text("username"),
        email: text("email"),
        full_name: first(&["full_name", "name"])
            .or_else(|| joined(text("first_name").as_deref(), text("last_name").as_deref())),
        disabled: text("disabled").is_some_and(|text| !is_no(&text)) || !is_active,
        scope: text("scope"),
        password_hash: first(&["password_hash", "hashed_password", "password"]),
        created_at: first(&["created_at", "date_joined"]).map_or(CreatedAt::Unsaid, |text| CreatedAt::of_text(&text)),
    }
}

/// Whether a text means yes, as tables write it.
fn is_yes(text: &str) -> bool {
    ["1", "t", "true", "yes", "y"].iter().any(|yes| text.trim().eq_ignore_ascii_case(yes))
}

/// Whether a text means no, as tables write it.
fn is_no(text: &str) -> bool {
    ["0", "f", "false", "no", "n"].iter().any(|no| text.trim().eq_ignore_ascii_case(no))
}
