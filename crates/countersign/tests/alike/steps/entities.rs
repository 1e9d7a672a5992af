//! Things, and the tokens for them.

use countersign::entity::{Entity, EntityToken, NewEntityToken};
use countersign::session::SessionId;
use countersign::store::{Store, StoreError};

use crate::choice::{Choice, session_id, status_place};
use crate::{Step, samples, step};

fn declared(c: &mut Choice) -> Entity {
    Entity { subject: c.subject(), owner: c.user_id(), permissions: c.scopes(), created_at: c.time() }
}

pub(super) fn entity(c: &mut Choice) -> Step {
    match c.below(6) {
        0..3 => step("declare_entity", declared(c), |store, entity| store.declare_entity(entity)),
        3 => step("find_entity", c.subject(), |store, subject| store.find_entity(subject)),
        4 => {
            let given = (c.some(Choice::user_id), c.some(Choice::subject), c.limit());
            step("list_entities", given, |store, (owner, after, limit)| {
                store.list_entities(*owner, after.as_ref(), *limit)
            })
        }
        _ => step("delete_entity", c.subject(), |store, subject| store.delete_entity(subject)),
    }
}

/// One of those that are kept, or, for 0, one that nobody has.
async fn nth_token(store: &dyn Store, which: usize) -> Result<SessionId, StoreError> {
    let mut kept = Vec::new();
    for subject in samples::SUBJECTS {
        kept.extend(store.list_entity_tokens(&subject.parse().unwrap(), i64::MIN).await?);
    }
    Ok(if which == 0 || kept.is_empty() { session_id(0) } else { kept[which % kept.len()].id })
}

/// A token for a thing as it is kept, or nearly so, asked for in a session of its owner, or another.
fn mint(c: &mut Choice) -> Step {
    let number = c.new_number();
    let entity = declared(c);
    let token = EntityToken {
        id: session_id(number),
        entity: entity.subject.clone(),
        name: c.text(),
        permissions: c.scopes(),
        created_at: c.time(),
        expires_at: c.end(),
        status: status_place(number),
    };
    let new = NewEntityToken { token, entity, session: session_id(0) };
    step("mint_entity_token", (new, c.below(8)), |store, (new, what)| {
        Box::pin(async move {
            let mut new = new.clone();
            if let Some(kept) = store.find_entity(&new.entity.subject).await?.filter(|_| *what > 0) {
                new.entity = kept;
            }
            let sessions = store.list_sessions(Some(new.entity.owner), i64::MIN, 1).await?;
            if let Some(session) = sessions.first().filter(|_| *what > 1) {
                new.session = session.id;
            }
            store.mint_entity_token(&new).await
        })
    })
}

pub(super) fn entity_token(c: &mut Choice) -> Step {
    match c.below(9) {
        0..4 => mint(c),
        4 => step("find_entity_token", (c.which(), c.time()), |store, (which, now)| {
            Box::pin(async { store.find_entity_token(nth_token(store, *which).await?, *now).await })
        }),
        5 => step("list_entity_tokens", (c.subject(), c.time()), |store, (entity, now)| {
            store.list_entity_tokens(entity, *now)
        }),
        6 => step("end_entity_token", (c.which(), c.some(Choice::subject)), |store, (which, entity)| {
            Box::pin(async { store.end_entity_token(nth_token(store, *which).await?, entity.as_ref()).await })
        }),
        7 => step("end_entity_tokens", c.subject(), |store, entity| store.end_entity_tokens(entity)),
        _ => step("purge_entity_tokens", (c.time(), c.limit()), |store, (now, limit)| {
            Box::pin(async {
                Ok((store.purge_entity_tokens(*now, *limit).await?, store.purge_entity_tokens(*now, usize::MAX).await?))
            })
        }),
    }
}
