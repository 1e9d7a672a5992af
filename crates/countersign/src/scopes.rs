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

/// Saying which things there are that tokens can be made for, and whose they are.
pub struct EntitiesWrite;

/// Reading what was done by whom.
pub struct AuditRead;

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

impl Scope for EntitiesWrite {
    const NAME: &'static str = "entities:write";
    const DESCRIPTION: &'static str = "Declare things and their owners, and end every token for a thing.";
}

impl Scope for AuditRead {
    const NAME: &'static str = "audit:read";
    const DESCRIPTION: &'static str = "Read the audit log: what was done, by whom and from where.";
}

/// Their names.
pub(crate) const NAMES: [&str; 6] =
    [UsersRead::NAME, UsersWrite::NAME, ClientsRead::NAME, ClientsWrite::NAME, EntitiesWrite::NAME, AuditRead::NAME];

/// The scope that asks for a refresh token (`OpenID` Connect Core section 11). It is no right, so no access token carries it.
pub(crate) const OFFLINE_ACCESS: &str = "offline_access";
