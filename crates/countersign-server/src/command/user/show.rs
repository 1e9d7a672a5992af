//! Users as commands print them for people.

use countersign::user::User;

use crate::command::output::{table, time};

pub(super) fn text(user: &User) -> String {
    let lines = [
        ("user name", user.username.to_string()),
        ("e-mail", optional(user.email.as_ref())),
        ("full name", optional(user.full_name.as_ref())),
        ("state", state(user)),
        ("scopes", user.scopes.to_string()),
        ("id", user.id.to_string()),
        ("made", time(user.created_at)),
        ("changed", time(user.updated_at)),
    ];
    let lines = lines.map(|(title, value)| format!("{}\n", format!("{title:10} {value}").trim_end()));
    lines.concat()
}

pub(super) fn list(users: &[User]) -> String {
    let rows: Vec<_> = users
        .iter()
        .map(|user| {
            let email = optional(user.email.as_ref());
            let full_name = optional(user.full_name.as_ref());
            [user.username.to_string(), email, full_name, state(user), user.scopes.to_string(), time(user.created_at)]
        })
        .collect();
    table(["NAME", "E-MAIL", "FULL NAME", "STATE", "SCOPES", "MADE"], &rows)
}

fn optional(value: Option<&impl ToString>) -> String {
    value.map(ToString::to_string).unwrap_or_default()
}

fn state(user: &User) -> String {
    if user.disabled { "disabled" } else { "enabled" }.to_owned()
}
