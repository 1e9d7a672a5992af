//! The scopes that this server itself demands; an API behind it has scopes of its own, which any user may be given.

use countersign_axum::Scope;

/// Reading accounts other than one's own.
pub struct UsersRead;

/// Changing accounts other than one's own.
pub struct UsersWrite;

/// Reading the registered clients.
pub struct ClientsRead;

/// Registering and changing clients.
pub struct ClientsWrite;

impl Scope for UsersRead {
    const NAME: &'static str = "users:read";
    const DESCRIPTION: &'static str = "Read every account.";
}

impl Scope for UsersWrite {
    const NAME: &'static str = "users:write";
    const DESCRIPTION: &'static str = "Make, change and delete every account.";
}

impl Scope for ClientsRead {
    const NAME: &'static str = "clients:read";
    const DESCRIPTION: &'static str = "Read every registered client.";
}

impl Scope for ClientsWrite {
    const NAME: &'static str = "clients:write";
    const DESCRIPTION: &'static str = "Register, change and delete clients.";
}

/// Their names.
pub(crate) fn names() -> Vec<String> {
    [UsersRead::NAME, UsersWrite::NAME, ClientsRead::NAME, ClientsWrite::NAME].map(str::to_owned).into()
}
