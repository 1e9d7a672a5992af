//! Users.

use countersign::import::Newcomer;
use countersign::store::UserQuery;
use countersign::user::{Change, Login, NewUser, ScopesChange, UserChange};

use crate::choice::{Choice, user_id};
use crate::{Step, step};

pub(super) fn read_user(c: &mut Choice) -> Step {
    match c.below(5) {
        0 => step("find_by_id", c.user_id(), |store, id| store.find_by_id(*id)),
        1 => {
            let login = if c.one_in(2) { Login::Username(c.username()) } else { Login::EmailAddress(c.email()) };
            step("find_credentials", login, |store, login| {
                Box::pin(async {
                    Ok(store.find_credentials(login).await?.map(|found| (found.user, found.password_hash)))
                })
            })
        }
        2 => step("find_credentials_by_id", c.user_id(), |store, id| {
            Box::pin(async {
                Ok(store.find_credentials_by_id(*id).await?.map(|found| (found.user, found.password_hash)))
            })
        }),
        3 => {
            let given = (c.some(Choice::user_id), c.limit());
            step("list_hashes", given, |store, (after, limit)| store.list_hashes(*after, *limit))
        }
        _ => {
            let mut query = UserQuery::default().limit(c.limit());
            if c.one_in(2) {
                query = query.after(c.user_id());
            }
            if !c.one_in(4) {
                query = query.search(c.search_text());
            }
            step("list", query, |store, query| store.list(query))
        }
    }
}

fn new_user(c: &mut Choice) -> NewUser {
    NewUser {
        id: c.user_id(),
        username: c.username(),
        email: c.some(Choice::email),
        full_name: c.some(Choice::full_name),
        disabled: c.one_in(8),
        scopes: c.scopes(),
        password_hash: c.some(Choice::hash),
        created_at: c.time(),
    }
}

/// So many users; each has another id if that is all of them.
pub(super) fn import(c: &mut Choice, count: u64) -> Step {
    let mut newcomer = |number| {
        let id = if count == c.users { user_id(number) } else { c.user_id() };
        Newcomer { user: NewUser { id, ..new_user(c) }, is_name_derived: c.one_in(2) }
    };
    let newcomers: Vec<Newcomer> = (0..count).map(&mut newcomer).collect();
    step("import", newcomers, |store, newcomers| store.import(newcomers))
}

pub(super) fn change_user(c: &mut Choice) -> Step {
    match c.below(10) {
        0..4 => step("insert", new_user(c), |store, new| store.insert(new)),
        4 => {
            let count = c.of(&[0, 1, 3, 9, 20]);
            import(c, count)
        }
        5 | 6 => {
            let change = UserChange {
                username: c.some(Choice::username),
                email: if c.one_in(3) {
                    Change::Clear
                } else {
                    c.some(Choice::email).map_or(Change::Keep, Change::Set)
                },
                full_name: if c.one_in(3) {
                    Change::Clear
                } else {
                    c.some(Choice::full_name).map_or(Change::Keep, Change::Set)
                },
                disabled: c.of(&[None, None, None, Some(false), Some(false), Some(true)]),
                scopes: match c.below(4) {
                    0 => ScopesChange::Replace(c.scopes()),
                    1 => ScopesChange::Grant(c.scopes()),
                    2 => ScopesChange::Revoke(c.scopes()),
                    _ => ScopesChange::Keep,
                },
            };
            let given = (c.user_id(), change, c.time());
            step("update", given, |store, (id, change, now)| store.update(*id, change, *now))
        }
        7 => {
            let given = (c.user_id(), c.hash(), c.hash());
            step("replace_password_hash", given, |store, (id, old, new)| store.replace_password_hash(*id, old, new))
        }
        8 => {
            let given = (c.user_id(), c.some(Choice::hash), c.hash(), c.time());
            step("set or change password", given, |store, (id, old, new, now)| match old {
                Some(old) => store.change_password(*id, old, new, *now),
                None => store.set_password(*id, new, *now),
            })
        }
        _ => step("delete", c.user_id(), |store, id| store.delete(*id)),
    }
}
