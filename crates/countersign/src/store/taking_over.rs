//! What becomes of a user of another program: one rule for all engines.

use crate::import::Newcomer;
use crate::store::StoreError;
use crate::user::{EmailAddress, Login, NewUser, User, Username};

/// What became of a user that was to be taken over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Imported {
    /// It is a user now.
    Added,
    /// It is a user now, under this name: the one that was derived from the address is that of another or looks like it.
    AddedAs(Username),
    /// The user was here already, and was left alone: one with this name and this address, or, where the name was derived
    /// from the address, one with this address.
    Known,
    /// Another user is in the way.
    Refused(StoreError),
}

/// What an engine has to offer while it takes users over, all of it in one step.
pub(super) trait Engine {
    /// As [`UserStore::insert`](crate::store::UserStore::insert).
    fn insert(&mut self, new: &NewUser) -> Result<(), StoreError>;

    /// The user that a login names.
    fn find(&mut self, login: Login) -> Result<Option<User>, StoreError>;

    /// Whether no user has this name, or one that looks like it.
    fn is_free(&mut self, name: &Username) -> Result<bool, StoreError>;
}

/// What is kept already, for who rehearses and keeps nothing.
pub(super) trait Kept: Send {
    /// What keeps this new user out.
    fn obstacle(&mut self, user: &User) -> Result<Option<StoreError>, StoreError>;

    /// The user that a login names.
    fn find(&mut self, login: &Login) -> Result<Option<User>, StoreError>;

    /// Whether no user has this name, or one that looks like it.
    fn is_free(&mut self, name: &Username) -> Result<bool, StoreError>;
}

/// Takes one user over. An error means that nothing is known of any.
pub(super) fn take_over(engine: &mut impl Engine, new: &Newcomer) -> Result<Imported, StoreError> {
    let error = match engine.insert(&new.user) {
        Ok(()) => return Ok(Imported::Added),
        Err(error) if error.is_collision() => error,
        Err(error) => return Err(error),
    };
    if is_here(engine, new)? {
        return Ok(Imported::Known);
    }
    let is_the_name = matches!(error, StoreError::UsernameTaken | StoreError::UsernameConfusable { .. });
    if !(new.is_name_derived && is_the_name) {
        return Ok(Imported::Refused(error));
    }
    let Some(username) = numbered(engine, new)? else { return Ok(Imported::Refused(error)) };
    engine.insert(&NewUser { username: username.clone(), ..new.user.clone() })?;
    Ok(Imported::AddedAs(username))
}

fn is_here(engine: &mut impl Engine, new: &Newcomer) -> Result<bool, StoreError> {
    let user = &new.user;
    if new.is_name_derived {
        let Some(email) = user.email.clone() else { return Ok(false) };
        return Ok(engine.find(Login::EmailAddress(email))?.is_some());
    }
    let Some(kept) = engine.find(Login::Username(user.username.clone()))? else { return Ok(false) };
    let canonical = |email: &Option<EmailAddress>| email.as_ref().map(|email| email.canonical().to_owned());
    Ok(canonical(&kept.email) == canonical(&user.email))
}

/// The name with a number that is free. Where `info@` stands before ten thousand domains, the numbers are not tried one by
/// one: they are doubled until one is free, and from there halved down to the last that is taken.
fn numbered(engine: &mut impl Engine, new: &Newcomer) -> Result<Option<Username>, StoreError> {
    let mut if_free = |number: u32| {
        let Some(name) = new.numbered(number) else { return Ok::<_, StoreError>(None) };
        Ok(engine.is_free(&name)?.then_some(name))
    };
    let (mut taken, mut number) = (1, 2_u32);
    let mut found = loop {
        if let Some(name) = if_free(number)? {
            break name;
        }
        taken = number;
        let Some(double) = number.checked_mul(2) else { return Ok(None) };
        number = double;
    };
    while number - taken > 1 {
        let middle = taken + (number - taken) / 2;
        match if_free(middle)? {
            Some(name) => (found, number) = (name, middle),
            None => taken = middle,
        }
    }
    Ok(Some(found))
}
