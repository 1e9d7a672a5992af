//! The kinds of things that there are, and what can be done with them: what the operator declares.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use countersign_token::{ScopeSet, Subject};

use crate::entity::{EntityFault, check_id};
use crate::scopes;

/// The most bytes of all permissions of a kind: a token with every one of them is still short enough for a header.
const LONGEST_PERMISSIONS: usize = 2000;

/// Kinds of things and their permissions; none unless declared.
///
/// As text, `car: drive unlock; post: edit`:
///
/// ```
/// use countersign::entity::EntityKinds;
///
/// let kinds: EntityKinds = "car: drive unlock; post: edit".parse()?;
/// assert!(kinds.permissions_of("car").is_some_and(|permissions| permissions.contains("unlock")));
/// assert_eq!(kinds.permissions_of("bicycle"), None);
/// # Ok::<(), countersign::entity::EntityKindsError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EntityKinds(BTreeMap<String, ScopeSet>);

/// Why kinds cannot be declared so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EntityKindsError {
    /// Not the form of the text.
    #[error("write kinds and their permissions as in `car: drive unlock; post: edit`")]
    Form,
    /// What is no kind.
    #[error(
        "{0:?} is no kind of thing: a kind is a to z, 0 to 9, `_` and `-`, begins with a letter, and is not `user` or `client`"
    )]
    Kind(String),
    /// A kind twice.
    #[error("the kind {0} stands there twice: write all its permissions once")]
    Twice(String),
    /// A kind without a permission.
    #[error("a {0} needs at least one permission")]
    NoPermission(String),
    /// What is no permission.
    #[error("{0:?} is no permission: write printable ASCII without quotes, backslash and `;`")]
    Permission(String),
    /// A permission that means something else.
    #[error("{0} is a scope of this server: call the permission something else, so that no token for a thing opens it")]
    Reserved(String),
    /// So many permissions that a token could not carry them.
    #[error(
        "the permissions of a {0} have more than {LONGEST_PERMISSIONS} characters together: give it fewer, or shorter ones"
    )]
    TooMany(String),
}

impl EntityKinds {
    /// Declares a kind. Users and clients are none, and no scope of this server is a permission: a token for a thing must never open
    /// what it was not made for.
    pub fn declare<'p>(
        &mut self,
        kind: &str,
        permissions: impl IntoIterator<Item = &'p str>,
    ) -> Result<(), EntityKindsError> {
        if !Subject::is_kind(kind) || [Subject::USER, Subject::CLIENT].contains(&kind) {
            return Err(EntityKindsError::Kind(kind.to_owned()));
        }
        let permissions = permissions.into_iter().map(permission).collect::<Result<Vec<_>, _>>()?;
        let permissions = ScopeSet::from_tokens(permissions).unwrap_or_default();
        let name = kind.to_owned();
        if permissions.is_empty() {
            return Err(EntityKindsError::NoPermission(name));
        }
        if permissions.to_string().len() > LONGEST_PERMISSIONS {
            return Err(EntityKindsError::TooMany(name));
        }
        match self.0.insert(name, permissions) {
            None => Ok(()),
            Some(_) => Err(EntityKindsError::Twice(kind.to_owned())),
        }
    }

    /// What can be done with things of this kind.
    pub fn permissions_of(&self, kind: &str) -> Option<&ScopeSet> {
        self.0.get(kind)
    }

    /// Each kind with its permissions.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &ScopeSet)> {
        self.0.iter().map(|(kind, permissions)| (kind.as_str(), permissions))
    }

    /// Whether none is declared.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The permissions of a thing to be declared, or what is wrong with it. Who names none means all that its kind has.
    pub fn check(&self, subject: &Subject, permissions: Option<ScopeSet>) -> Result<ScopeSet, EntityFault> {
        let all = self.permissions_of(subject.kind()).ok_or(EntityFault::Kind)?;
        check_id(subject)?;
        let permissions = permissions.unwrap_or_else(|| all.clone());
        if all.contains_all(&permissions) { Ok(permissions) } else { Err(EntityFault::Permission) }
    }

    /// What of these permissions a thing of this kind still has.
    pub fn limit(&self, kind: &str, permissions: &ScopeSet) -> ScopeSet {
        self.permissions_of(kind).map(|all| all.intersection(permissions)).unwrap_or_default()
    }
}

fn permission(text: &str) -> Result<&str, EntityKindsError> {
    if text.contains(';') || ScopeSet::from_tokens([text]).is_err() {
        return Err(EntityKindsError::Permission(text.to_owned()));
    }
    if scopes::NAMES.contains(&text) || text == scopes::OFFLINE_ACCESS {
        return Err(EntityKindsError::Reserved(text.to_owned()));
    }
    Ok(text)
}

impl FromStr for EntityKinds {
    type Err = EntityKindsError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut kinds = Self::default();
        if text.trim().is_empty() {
            return Ok(kinds);
        }
        for declaration in text.split(';') {
            let (kind, permissions) = declaration.split_once(':').ok_or(EntityKindsError::Form)?;
            kinds.declare(kind.trim(), permissions.split_ascii_whitespace())?;
        }
        Ok(kinds)
    }
}

impl fmt::Display for EntityKinds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (kind, permissions)) in self.iter().enumerate() {
            let separator = if place == 0 { "" } else { "; " };
            write!(f, "{separator}{kind}: {permissions}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_written_as_they_are_read() {
        for (text, written) in [
            ("", ""),
            ("car: drive", "car: drive"),
            ("post:edit ;car:  unlock car:drive drive;", "car: car:drive drive unlock; post: edit"),
        ] {
            let text = text.trim_end_matches(';');
            let kinds: EntityKinds = text.parse().unwrap();
            assert_eq!(kinds.to_string(), written);
            assert_eq!(written.parse(), Ok(kinds));
        }
    }

    #[test]
    fn what_could_be_taken_for_something_else_is_no_kind_and_no_permission() {
        let refused = |text: &str| text.parse::<EntityKinds>().unwrap_err();
        for kind in ["user", "client", "Car", "", "c r", "é", "1", &"k".repeat(254)] {
            assert_eq!(refused(&format!("{kind}: drive")), EntityKindsError::Kind(kind.to_owned()));
        }
        for scope in ["users:write", "users:read", "clients:read", "clients:write", "entities:write", "offline_access"]
        {
            assert_eq!(refused(&format!("car: drive {scope}")), EntityKindsError::Reserved(scope.to_owned()));
        }
        for permission in ["dr\"ive", "dr\\ive", "fahr\u{e9}n"] {
            assert_eq!(refused(&format!("car: {permission}")), EntityKindsError::Permission(permission.to_owned()));
        }
        assert_eq!(refused("car: drive; car: unlock"), EntityKindsError::Twice("car".to_owned()));
        assert_eq!(refused("car:"), EntityKindsError::NoPermission("car".to_owned()));
        assert_eq!(refused("car drive"), EntityKindsError::Form);
        assert_eq!(refused("car: drive;"), EntityKindsError::Form);
        let many = format!("car: {}", (0..300).map(|n| format!("permission{n}")).collect::<Vec<_>>().join(" "));
        assert_eq!(refused(&many), EntityKindsError::TooMany("car".to_owned()));
        let mut kinds = EntityKinds::default();
        assert!(kinds.declare("car", ["a;b"]).is_err() && kinds.declare("car", ["a b"]).is_err() && kinds.is_empty());
    }
}
