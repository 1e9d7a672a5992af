//! Sessions, and the statuses of tokens.

use countersign::session::{NewSession, Origin, Refresh, RefreshLink, Session};
use countersign::store::{Retry, Rotation, Store, StoreError};

use crate::choice::{Choice, bytes, session_id, status_list, status_place};
use crate::{Step, step};

/// One of those that are kept, or, for 0, one that nobody has.
async fn nth(store: &dyn Store, which: usize) -> Result<Session, StoreError> {
    let kept = store.list_sessions(None, i64::MIN, usize::MAX).await?;
    let nobodys = session(&mut Choice::new(0, 1), 0);
    Ok(if which == 0 || kept.is_empty() { nobodys } else { kept[which % kept.len()].clone() })
}

pub(super) fn read_session(c: &mut Choice) -> Step {
    let (which, now) = (c.which(), c.time());
    match c.below(4) {
        0 => step("find_session", (which, now), |store, (which, now)| {
            Box::pin(async { store.find_session(nth(store, *which).await?.id, *now).await })
        }),
        1 => step("find_user_of", (which, now), |store, (which, now)| {
            Box::pin(async { store.find_user_of(nth(store, *which).await?.id, *now).await })
        }),
        2 => step("find_user_by", (which, c.client_id(), now), |store, (which, client, now)| {
            Box::pin(async { store.find_user_by(nth(store, *which).await?.id, client, *now).await })
        }),
        _ => {
            let given = (c.some(Choice::user_id), now, c.limit());
            step("list_sessions", given, |store, (user, now, limit)| store.list_sessions(*user, *now, *limit))
        }
    }
}

fn refresh(c: &mut Choice) -> Refresh {
    let link = RefreshLink { number: c.of(&[0, 1, u32::MAX]), hash: bytes(c.below(3)) };
    Refresh { link, until: c.end(), ends_at: c.end() }
}

fn session(c: &mut Choice, number: u64) -> Session {
    Session {
        id: session_id(number),
        user: c.user_id(),
        client: c.client_id().to_string(),
        scope: c.scopes(),
        origin: Origin { address: c.some(Choice::text), user_agent: c.some(Choice::text) },
        created_at: c.time(),
        last_used_at: c.time(),
        expires_at: c.end(),
        access_until: c.end(),
        status: c.some(|_| status_place(number)),
        refresh: if c.one_in(4) { None } else { Some(refresh(c)) },
    }
}

fn begin_session(c: &mut Choice) -> Step {
    let number = c.new_number();
    let session = session(c, number);
    let new = NewSession { session, generation: 0, most: c.of(&[0, 1, 3, 9, usize::MAX, usize::MAX]) };
    step("begin_session", (new, c.one_in(8)), |store, (new, is_late)| {
        Box::pin(async move {
            let user = store.find_by_id(new.session.user).await?;
            let generation = user.map_or(0, |user| user.generation) - i64::from(*is_late);
            store.begin_session(&NewSession { generation, ..new.clone() }).await
        })
    })
}

/// The good link of a session, or, if there is none or another one is wanted, one that is not.
fn link(of: &Session, is_other: bool) -> RefreshLink {
    let good = of.refresh.as_ref().filter(|_| !is_other).map(|refresh| refresh.link.clone());
    good.unwrap_or(RefreshLink { number: 1, hash: bytes(7) })
}

pub(super) fn change_session(c: &mut Choice) -> Step {
    let (which, is_other) = (c.which(), c.one_in(6));
    match c.below(9) {
        0..4 => begin_session(c),
        4 | 5 => {
            let given = ((which, is_other), refresh(c), c.end(), c.end(), c.time());
            step("rotate", given, |store, ((which, is_other), next, expires_at, access_until, now)| {
                Box::pin(async move {
                    let kept = nth(store, *which).await?;
                    let (used, next) = (link(&kept, *is_other), next.clone());
                    let (session, expires_at, access_until) = (kept.id, *expires_at, *access_until);
                    store.rotate(&Rotation { session, used, next, expires_at, access_until, now: *now }).await
                })
            })
        }
        6 => {
            let given = (which, is_other, c.end(), c.end());
            step("note_retry", given, |store, (which, is_other, expires_at, access_until)| {
                Box::pin(async move {
                    let kept = nth(store, *which).await?;
                    let (session, current) = (kept.id, link(&kept, *is_other));
                    let (expires_at, access_until) = (*expires_at, *access_until);
                    store.note_retry(&Retry { session, current, expires_at, access_until }).await
                })
            })
        }
        7 => step("end_session", (which, c.some(Choice::user_id)), |store, (which, user)| {
            Box::pin(async { store.end_session(nth(store, *which).await?.id, *user).await })
        }),
        _ if c.one_in(2) => step("end_sessions", c.user_id(), |store, user| store.end_sessions(*user)),
        // Which of them go first is nobody's business: all do, after as many as were asked for.
        _ => step("purge_sessions", (c.time(), c.limit()), |store, (now, limit)| {
            Box::pin(async {
                Ok((store.purge_sessions(*now, *limit).await?, store.purge_sessions(*now, usize::MAX).await?))
            })
        }),
    }
}

pub(super) fn status(c: &mut Choice) -> Step {
    match c.below(5) {
        0 => step("keep_status_list", (status_list(c.below(3)), c.end()), |store, (list, until)| {
            store.keep_status_list(*list, *until)
        }),
        1 => step("list_revoked", status_list(c.below(3)), |store, list| store.list_revoked(*list)),
        2 | 3 => step("is_revoked", status_place(c.number()), |store, place| store.is_revoked(*place)),
        _ => step("purge_statuses", (c.time(), c.limit()), |store, (now, limit)| {
            Box::pin(async {
                Ok((store.purge_statuses(*now, *limit).await?, store.purge_statuses(*now, usize::MAX).await?))
            })
        }),
    }
}
