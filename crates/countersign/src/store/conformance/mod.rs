//! What every store must do: one suite that all engines run, and that a store of your own can run (feature
//! `conformance`).
//!
//! Each function panics at the first thing that is wrong. It asks `fresh` for an empty store as often as it needs one.
//!
//! ```no_run
//! # use std::sync::Arc;
//! # use countersign::store::{UserStore, memory::MemoryStore};
//! # #[cfg(feature = "conformance")]
//! # async fn test() {
//! countersign::store::conformance::check_user_store(async || Arc::new(MemoryStore::new()) as Arc<dyn UserStore>).await;
//! # }
//! ```
#![expect(clippy::unwrap_used, clippy::panic, reason = "a suite of checks fails by panicking")]

mod samples;
mod records;
mod uniqueness;
mod imports;
mod passwords;
mod listing;
mod injection;
mod keys;
mod sessions;
mod clients;
mod statuses;
mod entities;
mod entity_races;
mod throttles;
mod audit;

use std::sync::Arc;

use crate::store::{
    AuditStore, ClientStore, EntityStore, KeyStore, SessionStore, StatusStore, ThrottleStore, UserStore,
};

pub use crate::store::conformance::injection::INJECTIONS;

/// Holds a store of users to all that [`UserStore`] promises.
pub async fn check_user_store(fresh: impl AsyncFn() -> Arc<dyn UserStore>) {
    records::a_registered_user_is_found_by_id_name_and_address(fresh().await).await;
    records::a_user_with_nothing_but_a_name_is_kept_as_such(fresh().await).await;
    records::who_is_not_there_is_not_found(fresh().await).await;
    records::a_change_touches_what_it_names(fresh().await).await;
    records::grants_and_revocations_at_once_lose_nothing(fresh().await).await;
    records::a_deleted_user_is_gone_and_the_name_is_free(fresh().await).await;
    records::a_dropped_registration_is_whole_or_not_there(fresh().await).await;

    uniqueness::spellings_and_lookalikes_of_a_name_make_one_account(fresh().await).await;
    uniqueness::a_refused_registration_leaves_nothing(fresh().await).await;
    uniqueness::a_change_cannot_take_the_name_of_another(fresh().await).await;
    uniqueness::of_fifty_registrations_of_one_name_one_wins(fresh().await).await;
    uniqueness::of_fifty_registrations_of_one_address_one_wins(fresh().await).await;

    imports::each_user_is_taken_over_by_itself_and_once(fresh().await).await;
    imports::of_users_in_one_step_the_first_of_a_name_wins(fresh().await).await;
    imports::a_derived_name_that_is_taken_gets_a_number_and_the_address_says_who_it_is(fresh().await).await;
    imports::derived_names_are_numbered_without_trying_all_numbers(fresh().await).await;
    imports::in_a_crowd_each_has_the_outcome_that_it_has_alone(fresh().await).await;

    passwords::a_hash_is_replaced_only_if_it_is_the_expected_one(fresh().await).await;
    passwords::a_password_is_changed_only_on_the_one_that_was_checked(fresh().await).await;
    passwords::a_password_is_set_whatever_stood_before(fresh().await).await;
    passwords::hashes_are_listed_with_what_an_upgrade_has_replaced(fresh().await).await;
    passwords::an_upgrade_never_undoes_a_change_of_the_password(fresh().await).await;

    listing::pages_follow_one_another_without_gap_or_repetition(fresh().await).await;
    listing::pages_are_stable_while_users_come_and_go(fresh().await).await;
    listing::a_search_finds_parts_of_names_and_addresses(fresh().await).await;
    listing::a_search_takes_every_character_for_itself(fresh().await).await;
    listing::a_search_goes_by_what_users_are_called_now(fresh().await).await;
    listing::a_search_among_many_has_the_same_pages_however_it_is_done(fresh().await).await;
    listing::a_search_by_an_index_finds_whoever_has_the_text_and_nobody_else(fresh().await).await;

    injection::injected_text_is_kept_as_text(fresh().await).await;
}

/// Holds a store of users and their sessions to all that [`SessionStore`] promises.
pub async fn check_session_store<S: UserStore + SessionStore>(fresh: impl AsyncFn() -> Arc<S>) {
    sessions::a_session_is_found_with_its_user_until_it_expires(fresh().await).await;
    sessions::a_session_begins_only_for_the_user_that_was_checked(fresh().await).await;
    sessions::of_fifty_uses_of_a_link_one_wins(fresh().await).await;
    sessions::a_link_is_good_for_its_time_and_its_session(fresh().await).await;
    sessions::a_retry_is_noted_while_the_link_is_good(fresh().await).await;
    sessions::sessions_are_listed_by_user_and_ended_one_by_one_or_all(fresh().await).await;
    sessions::what_voids_a_password_or_a_user_ends_the_sessions(fresh().await).await;
    sessions::no_session_outlives_what_voids_it(fresh().await).await;
    sessions::the_least_recently_used_sessions_end_when_there_are_too_many(fresh().await).await;
    sessions::expired_sessions_are_purged_in_batches(fresh().await).await;
}

/// Holds a store of token statuses, and of what hangs on them, to all that [`StatusStore`] promises.
pub async fn check_status_store<S>(fresh: impl AsyncFn() -> Arc<S>)
where
    S: StatusStore + SessionStore + ClientStore + UserStore,
{
    statuses::a_list_is_known_until_its_longest_time(fresh().await).await;
    statuses::a_session_that_ends_before_its_time_leaves_a_mark(fresh().await).await;
    statuses::the_sessions_of_a_client_that_ends_leave_marks(fresh().await).await;
    statuses::what_has_expired_leaves_no_mark_and_marks_expire_with_their_tokens(fresh().await).await;
}

/// Holds a store of clients, and of what hangs on them, to all that [`ClientStore`] promises.
pub async fn check_client_store<S: ClientStore + SessionStore + UserStore>(fresh: impl AsyncFn() -> Arc<S>) {
    clients::clients_are_found_and_listed_as_they_were_kept(fresh().await).await;
    clients::a_client_has_two_secrets_at_most_and_keeps_one(fresh().await).await;
    clients::keys_take_the_place_of_the_last_secret(fresh().await).await;
    clients::an_assertion_is_used_once_until_it_expires(fresh().await).await;
    clients::of_many_changes_at_once_none_is_lost(fresh().await).await;
    clients::the_user_of_a_clients_session_is_found_with_what_the_client_may(fresh().await).await;
    clients::a_client_that_is_disabled_or_gone_has_no_sessions(fresh().await).await;
    clients::no_session_outlives_its_client(fresh().await).await;
}

/// Holds a store of things, and of the tokens for them, to all that [`EntityStore`] promises.
pub async fn check_entity_store<S>(fresh: impl AsyncFn() -> Arc<S>)
where
    S: EntityStore + SessionStore + StatusStore + UserStore,
{
    entities::things_are_found_and_listed_as_they_were_declared(fresh().await).await;
    entities::a_thing_is_somebodys_who_is_there(fresh().await).await;
    entities::tokens_are_found_and_listed_until_they_expire(fresh().await).await;
    entities::a_token_is_kept_only_for_what_was_checked(fresh().await).await;
    entities::of_many_tokens_at_once_as_many_are_kept_as_there_is_room_for(fresh().await).await;
    entity_races::no_token_outlives_a_change_that_voids_it(fresh().await).await;
    entities::a_change_of_a_thing_ends_the_tokens_that_it_voids(fresh().await).await;
    entities::tokens_are_ended_one_by_one_or_all_of_a_thing(fresh().await).await;
    entities::a_user_who_is_disabled_or_gone_leaves_no_token(fresh().await).await;
    entities::a_token_that_is_minted_while_its_owner_is_disabled_does_not_live(fresh().await).await;
    entities::expired_tokens_are_purged_in_batches(fresh().await).await;
    entities::injected_text_in_a_thing_is_kept_as_text(fresh().await).await;
}

/// Holds a store of counters to all that [`ThrottleStore`] promises.
pub async fn check_throttle_store<S: ThrottleStore>(fresh: impl AsyncFn() -> Arc<S>) {
    throttles::counters_are_found_as_they_were_kept(fresh().await).await;
    throttles::of_two_hundred_guesses_at_once_as_many_are_counted_as_are_allowed(fresh().await).await;
    throttles::a_step_that_one_counter_refuses_changes_none(fresh().await).await;
    throttles::guesses_that_share_some_counters_do_not_wait_in_a_circle(fresh().await).await;
    throttles::expired_counters_are_purged_in_batches(fresh().await).await;
}

/// Holds a store of signing keys to all that [`KeyStore`] promises.
pub async fn check_key_store(fresh: impl AsyncFn() -> Arc<dyn KeyStore>) {
    keys::keys_are_listed_as_they_were_kept(fresh().await).await;
    keys::of_many_keys_of_one_state_one_wins(fresh().await).await;
    keys::of_many_promotions_one_wins_and_both_keys_change_together(fresh().await).await;
    keys::a_key_is_removed_and_the_active_one_only_for_another(fresh().await).await;
    injection::injected_text_in_a_key_is_kept_as_text(fresh().await).await;
}

/// Holds a store of the audit log to all that [`AuditStore`] promises.
pub async fn check_audit_store(fresh: impl AsyncFn() -> Arc<dyn AuditStore>) {
    audit::records_are_listed_as_they_were_kept(fresh().await).await;
    audit::records_are_found_by_what_they_say(fresh().await).await;
    audit::pages_of_records_follow_one_another(fresh().await).await;
    audit::old_records_are_purged_in_batches(fresh().await).await;
    audit::injected_text_in_a_record_is_kept_as_text(fresh().await).await;
}
