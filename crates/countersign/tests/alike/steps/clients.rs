//! Clients.

use countersign::client::{Client, ClientChange, ClientKeys};

use crate::choice::{Choice, bytes};
use crate::{Step, samples, step};

fn keys(c: &mut Choice) -> ClientKeys {
    if c.one_in(2) { ClientKeys::from_jwks(samples::KEYS).unwrap() } else { ClientKeys::default() }
}

fn audiences(c: &mut Choice) -> Vec<String> {
    c.several(3, |c| c.of(&["https://a.example", "b", "%"]).to_owned())
}

fn lifetime(c: &mut Choice) -> Option<i64> {
    c.of(&[None, Some(1), Some(i64::MAX)])
}

pub(super) fn insert_client(c: &mut Choice) -> Step {
    let client = Client {
        id: c.registered_id(),
        name: c.text(),
        is_public: c.one_in(2),
        grants: c.grants(),
        scopes: c.scopes(),
        audiences: audiences(c),
        access_token_lifetime_s: lifetime(c),
        always_refresh: c.one_in(2),
        disabled: c.one_in(8),
        created_at: c.time(),
        secrets: c.several(3, Choice::secret),
        keys: keys(c),
    };
    step("insert_client", client, |store, client| store.insert_client(client))
}

pub(super) fn client(c: &mut Choice) -> Step {
    match c.below(9) {
        0 | 1 => insert_client(c),
        2 => step("find_client", c.client_id(), |store, id| store.find_client(id)),
        3 => step("list_clients", (), |store, ()| store.list_clients()),
        4 => {
            let change = ClientChange {
                name: c.some(Choice::text),
                grants: c.some(Choice::grants),
                scopes: c.some(Choice::scopes),
                audiences: c.some(audiences),
                access_token_lifetime_s: c.some(lifetime),
                always_refresh: c.some(|c| c.one_in(2)),
                disabled: c.some(|c| c.one_in(3)),
                keys: c.some(keys),
            };
            step("update_client", (c.client_id(), change), |store, (id, change)| store.update_client(id, change))
        }
        5 => step("add_secret", (c.client_id(), c.secret()), |store, (id, secret)| store.add_secret(id, secret)),
        6 => step("remove_secret", (c.client_id(), c.below(3)), |store, (id, which)| {
            Box::pin(async move {
                let kept = store.find_client(id).await?.map(|client| client.secrets).unwrap_or_default();
                let hash = kept.get(usize::try_from(*which).unwrap()).map_or([0; 32], |secret| secret.hash);
                store.remove_secret(id, &hash).await
            })
        }),
        7 => {
            let given = (c.client_id(), bytes(c.below(3)), c.end(), c.time());
            step("use_assertion", given, |store, (id, hash, until, now)| store.use_assertion(id, hash, *until, *now))
        }
        _ if c.one_in(2) => step("delete_client", c.client_id(), |store, id| store.delete_client(id)),
        _ => step("purge_assertions", (c.time(), c.limit()), |store, (now, limit)| {
            Box::pin(async {
                Ok((store.purge_assertions(*now, *limit).await?, store.purge_assertions(*now, usize::MAX).await?))
            })
        }),
    }
}
