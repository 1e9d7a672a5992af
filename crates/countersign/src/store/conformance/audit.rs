//! The audit log: records as they were written, pages of them in either order, and their end.

use std::sync::Arc;

use uuid::ContextV7;

use crate::audit::{AuditId, AuditQuery, AuditRecord};
use crate::store::AuditStore;
use crate::store::conformance::injection::INJECTIONS;
use crate::store::conformance::samples::{LATER, THEN};

/// A record of a login with everything that one can have.
fn login(context: &ContextV7, second: i64, user: &str) -> AuditRecord {
    let mut record = AuditRecord::new(AuditId::new(context, second * 1000), "login");
    record.outcome = Some("refused".to_owned());
    record.cause = Some("wrong password".to_owned());
    record.user = Some(user.to_owned());
    record.by = Some("command line".to_owned());
    record.client = Some("web".to_owned());
    record.source = Some("2001:db8::1".to_owned());
    record.request_id = Some("f00".to_owned());
    record.times = u32::MAX;
    record.detail.insert("session".to_owned(), "5".to_owned());
    record
}

async fn list(store: &dyn AuditStore, query: &AuditQuery) -> Vec<AuditRecord> {
    store.list_records(query).await.unwrap().records
}

//
pub(super) async fn records_are_listed_as_they_were_kept(store: Arc<dyn AuditStore>) {
    let context = ContextV7::new();
    let full = login(&context, THEN, "a");
    let bare = AuditRecord::new(AuditId::new(&context, LATER * 1000), "key");
    assert_eq!(list(&*store, &AuditQuery::default()).await, []);
    assert_eq!(store.keep_records(&[]).await, Ok(()));
    assert_eq!(store.keep_records(&[full.clone(), bare.clone()]).await, Ok(()));
    assert_eq!(list(&*store, &AuditQuery::default()).await, [bare, full.clone()]);
    assert_eq!(full.id.millis(), THEN * 1000);
    // As a writer does that was not told whether it had kept it.
    let again = AuditRecord { times: 1, ..full.clone() };
    assert_eq!(store.keep_records(&[again]).await, Ok(()));
    assert_eq!(list(&*store, &AuditQuery { oldest_first: true, limit: 1, ..AuditQuery::default() }).await, [full]);
}

pub(super) async fn records_are_found_by_what_they_say(store: Arc<dyn AuditStore>) {
    let context = ContextV7::new();
    let alice = login(&context, THEN, "alice");
    let bob = login(&context, THEN + 1, "bob");
    let mut other = AuditRecord::new(AuditId::new(&context, (THEN + 2) * 1000), "refresh");
    other.user = Some("alice".to_owned());
    store.keep_records(&[alice.clone(), bob.clone(), other.clone()]).await.unwrap();
    let of = |change: fn(&mut AuditQuery)| {
        let mut query = AuditQuery::default();
        change(&mut query);
        query
    };
    for (query, expected) in [
        (of(|query| query.event = Some("login".to_owned())), vec![&bob, &alice]),
        (of(|query| query.user = Some("alice".to_owned())), vec![&other, &alice]),
        (of(|query| query.by = Some("command line".to_owned())), vec![&bob, &alice]),
        (of(|query| query.client = Some("web".to_owned())), vec![&bob, &alice]),
        (of(|query| query.source = Some("2001:db8::1".to_owned())), vec![&bob, &alice]),
        (of(|query| query.source = Some("2001:db8::2".to_owned())), vec![]),
        // Nobody has looked at what is asked for, and not every engine has a place for this.
        (of(|query| query.source = Some("2001:db8::1\0".to_owned())), vec![]),
        (of(|query| query.event = Some("\0".to_owned())), vec![]),
        (of(|query| query.user = Some("\0".to_owned())), vec![]),
        (AuditQuery::default().since(THEN + 1), vec![&other, &bob]),
        (AuditQuery::default().until(THEN + 1), vec![&alice]),
        (AuditQuery::default().since(THEN + 1).until(THEN + 2), vec![&bob]),
        (AuditQuery { user: Some("alice".to_owned()), ..AuditQuery::default() }.since(THEN + 1), vec![&other]),
    ] {
        let found = list(&*store, &query).await;
        assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{query:?}");
        let turned = AuditQuery { oldest_first: true, ..query };
        assert!(list(&*store, &turned).await.iter().eq(expected.into_iter().rev()), "{turned:?}");
    }
}

pub(super) async fn pages_of_records_follow_one_another(store: Arc<dyn AuditStore>) {
    let context = ContextV7::new();
    // All within one second.
    let kept: Vec<AuditRecord> = (0..25).map(|_| login(&context, THEN, "alice")).collect();
    store.keep_records(&kept).await.unwrap();
    for oldest_first in [false, true] {
        for user in [None, Some("alice".to_owned())] {
            let mut query = AuditQuery { oldest_first, user, limit: 10, ..AuditQuery::default() };
            let mut found = Vec::new();
            loop {
                let page = store.list_records(&query).await.unwrap();
                found.extend(page.records);
                let Some(next) = page.next else { break };
                query = query.go_on(next);
            }
            if !oldest_first {
                found.reverse();
            }
            assert_eq!(found, kept, "{oldest_first}");
        }
    }
}

pub(super) async fn old_records_are_purged_in_batches(store: Arc<dyn AuditStore>) {
    let context = ContextV7::new();
    let kept: Vec<AuditRecord> = (0..5).map(|n| login(&context, THEN + n, "alice")).collect();
    store.keep_records(&kept).await.unwrap();
    assert_eq!(store.purge_records(THEN, 10).await, Ok(0));
    assert_eq!(store.purge_records(THEN + 3, 2).await, Ok(2));
    assert_eq!(store.purge_records(THEN + 3, 2).await, Ok(1));
    assert_eq!(store.purge_records(THEN + 3, 2).await, Ok(0));
    let oldest_first = AuditQuery { oldest_first: true, ..AuditQuery::default() };
    assert!(list(&*store, &oldest_first).await.iter().eq(kept.iter().skip(3)));
}

// S-035
pub(super) async fn injected_text_in_a_record_is_kept_as_text(store: Arc<dyn AuditStore>) {
    let context = ContextV7::new();
    for text in INJECTIONS {
        let mut record = login(&context, THEN, text);
        record.client = Some((*text).to_owned());
        record.detail.insert("claimed".to_owned(), (*text).to_owned());
        store.keep_records(std::slice::from_ref(&record)).await.unwrap();
        let query = AuditQuery { user: record.user.clone(), client: record.client.clone(), ..AuditQuery::default() };
        assert_eq!(list(&*store, &query).await, [record], "{text}");
    }
}
