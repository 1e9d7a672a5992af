//! Clients and their secrets.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::client::{Client, ClientChange, ClientId, ClientKeys, ClientSecret, Grant};
use crate::session::{NewSession, Origin, Session, SessionId};
use crate::store::conformance::samples::{LATER, THEN, at_once, named, register, scopes};
use crate::store::{ClientStore, SessionStore, UserStore};
use crate::user::User;

fn id(text: &str) -> ClientId {
    ClientId::new(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn secret(byte: u8, created_at: i64) -> ClientSecret {
    ClientSecret { hash: [byte; 32], created_at }
}

/// A client with every field set.
fn complete(name: &str) -> Client {
    Client {
        id: id(name),
        name: "The 'front' end; \"x\" %".to_owned(),
        is_public: false,
        grants: [Grant::ClientCredentials, Grant::RefreshToken].into(),
        scopes: scopes("items:read me"),
        audiences: vec!["https://a.example".to_owned(), "https://b.example".to_owned()],
        access_token_lifetime_s: Some(60),
        always_refresh: true,
        disabled: false,
        created_at: THEN,
        secrets: vec![secret(1, THEN)],
        keys: ClientKeys::from_jwks(KEYS).unwrap(),
    }
}

/// The public key of RFC 8037 appendix A.2.
const KEYS: &str = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","alg":"EdDSA","kid":"k'1","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

/// A client with nothing but an id.
pub(super) fn bare(name: &str) -> Client {
    Client {
        name: String::new(),
        is_public: true,
        grants: [].into(),
        scopes: scopes(""),
        audiences: Vec::new(),
        access_token_lifetime_s: None,
        always_refresh: false,
        secrets: Vec::new(),
        keys: ClientKeys::default(),
        ..complete(name)
    }
}

pub(super) async fn clients_are_found_and_listed_as_they_were_kept<S: ClientStore>(store: Arc<S>) {
    assert_eq!(store.list_clients().await, Ok(Vec::new()));
    let (full, bare) = (complete("web"), bare("app"));
    for client in [&full, &bare] {
        assert_eq!(store.insert_client(client).await, Ok(true));
        assert_eq!(store.find_client(&client.id).await, Ok(Some(client.clone())));
    }
    assert_eq!(store.insert_client(&Client { name: "other".to_owned(), ..bare.clone() }).await, Ok(false));
    assert_eq!(store.find_client(&id("WEB")).await, Ok(None));
    assert_eq!(store.list_clients().await, Ok(vec![bare.clone(), full.clone()]));

    let [first, second] = [secret(9, THEN), secret(8, LATER)];
    let two = Client { secrets: vec![second.clone(), first.clone()], ..complete("two") };
    assert_eq!(store.insert_client(&two).await, Ok(true));
    let kept = store.find_client(&two.id).await.unwrap().unwrap();
    assert_eq!(kept.secrets, [first, second], "oldest first");
    assert_eq!(store.delete_client(&two.id).await, Ok(true));

    let renamed = ClientChange { name: Some("New".to_owned()), ..ClientChange::default() };
    let expected = Client { name: "New".to_owned(), ..full.clone() };
    assert_eq!(store.update_client(&full.id, &renamed).await, Ok(Some(expected.clone())));
    assert_eq!(store.find_client(&full.id).await, Ok(Some(expected)));
    assert_eq!(store.update_client(&id("nobody"), &renamed).await, Ok(None));
    assert_eq!(store.delete_client(&full.id).await, Ok(true));
    assert_eq!(store.delete_client(&full.id).await, Ok(false));
    assert_eq!(store.list_clients().await, Ok(vec![bare]));
}

pub(super) async fn a_client_has_two_secrets_at_most_and_keeps_one<S: ClientStore>(store: Arc<S>) {
    let client = Client { keys: ClientKeys::default(), ..complete("web") };
    store.insert_client(&client).await.unwrap();
    let kept = async || store.find_client(&client.id).await.unwrap().unwrap().secrets;
    let added = at_once((2..12).map(|byte| {
        let (store, id) = (Arc::clone(&store), client.id.clone());
        async move { store.add_secret(&id, &secret(byte, LATER)).await.unwrap() }
    }))
    .await;
    assert_eq!(added.into_iter().filter(|added| *added).count(), 1);
    let both = kept().await;
    assert_eq!((both.len(), both.first()), (2, client.secrets.first()));
    assert_eq!(store.remove_secret(&client.id, &[99; 32]).await, Ok(false));
    let removed = at_once(both.iter().map(|secret| secret.hash).map(|hash| {
        let (store, id) = (Arc::clone(&store), client.id.clone());
        async move { store.remove_secret(&id, &hash).await.unwrap() }
    }))
    .await;
    assert_eq!(removed.into_iter().filter(|removed| *removed).count(), 1, "the last one stays");
    assert_eq!(kept().await.len(), 1);
    assert_eq!(store.add_secret(&id("nobody"), &secret(7, THEN)).await, Ok(false));
}

pub(super) async fn keys_take_the_place_of_the_last_secret<S: ClientStore>(store: Arc<S>) {
    let client = complete("web");
    store.insert_client(&client).await.unwrap();
    let hash = client.secrets.first().unwrap().hash;
    let keys = |keys: ClientKeys| ClientChange { keys: Some(keys), ..ClientChange::default() };
    let without = store.update_client(&client.id, &keys(ClientKeys::default())).await.unwrap();
    assert_eq!(without, Some(Client { keys: ClientKeys::default(), ..client.clone() }));
    assert_eq!(store.remove_secret(&client.id, &hash).await, Ok(false));
    assert_eq!(store.update_client(&client.id, &keys(client.keys.clone())).await, Ok(Some(client.clone())));
    assert_eq!(store.remove_secret(&client.id, &hash).await, Ok(true));
    let left = store.find_client(&client.id).await.unwrap();
    assert_eq!(left, Some(Client { secrets: Vec::new(), ..client.clone() }));
    assert_eq!(store.add_secret(&client.id, &secret(1, THEN)).await, Ok(true));
}

// R-093
pub(super) async fn an_assertion_is_used_once_until_it_expires<S: ClientStore>(store: Arc<S>) {
    let (web, app) = (id("web"), id("app"));
    let uses = |client: &ClientId, hash: u8, expires_at: i64, now: i64| {
        let (store, client) = (Arc::clone(&store), client.clone());
        async move { store.use_assertion(&client, &[hash; 32], expires_at, now).await.unwrap() }
    };
    let won = at_once((0..50).map(|_| uses(&web, 1, LATER, THEN))).await;
    assert_eq!(won.into_iter().filter(|won| *won).count(), 1);
    assert!(!uses(&web, 1, LATER + 9, LATER - 1).await, "a later expiry makes it no other");
    assert!(uses(&web, 2, LATER, THEN).await && uses(&app, 1, LATER, THEN).await, "others are others");
    // Who reuses an id after its time has another assertion, whether the first was forgotten meanwhile or not.
    let won = at_once((0..20).map(|_| uses(&web, 1, LATER + 60, LATER))).await;
    assert_eq!(won.into_iter().filter(|won| *won).count(), 1);
    assert_eq!(store.purge_assertions(LATER - 1, 10).await, Ok(0));
    assert_eq!(store.purge_assertions(LATER, 1).await, Ok(1));
    assert_eq!(store.purge_assertions(LATER, 10).await, Ok(1));
    assert!(!uses(&web, 1, LATER + 60, LATER + 59).await);
    assert!(uses(&app, 1, LATER + 60, LATER).await);
}

fn of_client(user: &User, client: &str) -> Session {
    Session {
        id: SessionId::random(),
        user: user.id,
        client: client.to_owned(),
        scope: scopes(""),
        origin: Origin::default(),
        created_at: THEN,
        last_used_at: THEN,
        expires_at: LATER,
        access_until: LATER,
        status: None,
        refresh: None,
    }
}

pub(super) async fn of_many_changes_at_once_none_is_lost<S: ClientStore>(store: Arc<S>) {
    let client = complete("web");
    store.insert_client(&client).await.unwrap();
    let names = (0..20).map(|n| ClientChange { name: Some(format!("name {n}")), ..ClientChange::default() });
    let disable = ClientChange { disabled: Some(true), ..ClientChange::default() };
    let changes = names.clone().take(10).chain([disable]).chain(names.skip(10));
    at_once(changes.map(|change| {
        let (store, id) = (Arc::clone(&store), client.id.clone());
        async move { store.update_client(&id, &change).await.unwrap().unwrap() }
    }))
    .await;
    assert!(store.find_client(&client.id).await.unwrap().unwrap().disabled);
}

pub(super) async fn the_user_of_a_clients_session_is_found_with_what_the_client_may<S>(store: Arc<S>)
where
    S: ClientStore + SessionStore + UserStore,
{
    let user = register(&*store, &named("alice")).await;
    let client = complete("web");
    store.insert_client(&client).await.unwrap();
    let session = of_client(&user, "web");
    let of = |client: &ClientId, now: i64| {
        let (store, client, session) = (Arc::clone(&store), client.clone(), session.id);
        async move { store.find_user_by(session, &client, now).await.unwrap() }
    };
    assert_eq!(of(&client.id, THEN).await, None, "it has not begun");
    assert_eq!(
        store.begin_session(&NewSession { session: session.clone(), generation: 0, most: 100 }).await,
        Ok(Some(0))
    );
    assert_eq!(of(&client.id, THEN).await, Some((user.clone(), client.scopes.clone())));
    assert_eq!(of(&client.id, LATER).await, None, "it has expired");
    assert_eq!(of(&id("app"), THEN).await, None, "it is of another client");
    let narrower = ClientChange { scopes: Some(scopes("me")), ..ClientChange::default() };
    store.update_client(&client.id, &narrower).await.unwrap();
    assert_eq!(of(&client.id, THEN).await, Some((user, scopes("me"))));
    store.delete_client(&client.id).await.unwrap();
    assert_eq!(of(&client.id, THEN).await, None);
}

pub(super) async fn a_client_that_is_disabled_or_gone_has_no_sessions<S>(store: Arc<S>)
where
    S: ClientStore + SessionStore + UserStore,
{
    let user = register(&*store, &named("alice")).await;
    for client in ["web", "app", "other"] {
        store.insert_client(&complete(client)).await.unwrap();
        let session = of_client(&user, client);
        assert_eq!(store.begin_session(&NewSession { session, generation: 0, most: 100 }).await, Ok(Some(0)));
    }
    let disable = ClientChange { disabled: Some(true), ..ClientChange::default() };
    store.update_client(&id("web"), &disable).await.unwrap();
    store
        .update_client(&id("other"), &ClientChange { name: Some("New".to_owned()), ..ClientChange::default() })
        .await
        .unwrap();
    store.delete_client(&id("app")).await.unwrap();
    // A login that was under way finds the client as it is now.
    for (client, begins) in [("web", false), ("app", false), ("other", true)] {
        let session = Session { id: SessionId::random(), ..of_client(&user, client) };
        assert_eq!(
            store.begin_session(&NewSession { session, generation: 0, most: 100 }).await,
            Ok(begins.then_some(0)),
            "{client}"
        );
    }
    store.update_client(&id("other"), &disable).await.unwrap();
    store
        .update_client(&id("other"), &ClientChange { disabled: Some(false), ..ClientChange::default() })
        .await
        .unwrap();
    let last = of_client(&user, "other");
    assert_eq!(store.begin_session(&NewSession { session: last, generation: 0, most: 100 }).await, Ok(Some(0)));
    // Nobody registers this one, and nobody can delete it.
    let front_end = of_client(&user, ClientId::first_party().as_str());
    assert_eq!(store.begin_session(&NewSession { session: front_end, generation: 0, most: 100 }).await, Ok(Some(0)));
    assert_eq!(store.delete_client(&ClientId::first_party()).await, Ok(false));
    let left = store.list_sessions(None, THEN, 10).await.unwrap();
    let left: BTreeSet<String> = left.into_iter().map(|session| session.client).collect();
    assert_eq!(left, ["first-party", "other"].map(str::to_owned).into());
}

pub(super) async fn no_session_outlives_its_client<S>(store: Arc<S>)
where
    S: ClientStore + SessionStore + UserStore,
{
    const LOGINS: usize = 6;
    let user = register(&*store, &named("alice")).await;
    for round in 0..12 {
        let client = complete(&format!("web-{round}"));
        store.insert_client(&client).await.unwrap();
        at_once((0..=LOGINS).map(|n| {
            let (store, client, user) = (Arc::clone(&store), client.id.clone(), user.clone());
            async move {
                if n != round % LOGINS {
                    let session = of_client(&user, client.as_str());
                    store.begin_session(&NewSession { session, generation: 0, most: 100 }).await.unwrap();
                } else if round % 2 == 0 {
                    let disable = ClientChange { disabled: Some(true), ..ClientChange::default() };
                    store.update_client(&client, &disable).await.unwrap();
                } else {
                    store.delete_client(&client).await.unwrap();
                }
            }
        }))
        .await;
        assert_eq!(store.list_sessions(None, THEN, LOGINS).await, Ok(Vec::new()), "round {round}");
    }
}
