//! What is to be said of a token to whoever asks (RFC 7662).

use countersign_token::{Claims, Subject, Verifier, inspect};
use serde_json::Value;

use crate::app::Countersign;
use crate::client::{Client, ClientId, FIRST_PARTY};
use crate::session::{RefreshToken, Session};
use crate::store::StoreError;
use crate::user::User;

/// A token that is good at this moment. Of any other nothing is said.
pub(crate) enum ActiveToken {
    /// An access token, and the name of its user if it is of one.
    Access { claims: Claims, username: Option<String> },
    /// A refresh token, its session and its user.
    Refresh(Box<(Session, User)>),
}

/// What `caller` may know of a token: of its own refresh tokens, of access tokens that it was given, and of those that are for one of
/// its audiences.
pub(crate) async fn introspect(
    app: &Countersign,
    token: &str,
    caller: &Client,
) -> Result<Option<ActiveToken>, StoreError> {
    if let Some(token) = RefreshToken::read(token) {
        let found = app.sessions().of_refresh_token(&token, caller.id.as_str()).await?;
        return Ok(found.map(|found| ActiveToken::Refresh(Box::new(found))));
    }
    let Some(claims) = verify(app, token) else { return Ok(None) };
    if !is_callers_business(&claims, caller) {
        return Ok(None);
    }
    access(app, claims).await
}

/// The claims of an access token of this server, whomever it is for and however long it was to live.
pub(crate) fn verify(app: &Countersign, token: &str) -> Option<Claims> {
    verify_at(app, token, app.clock().now())
}

/// The same for a token that is given back, also if its time has not come: by a clock that lags behind its issuer's, or was put back
/// since, it would be good a little later, and nobody would have ended it (F-13).
pub(crate) fn verify_even_if_early(app: &Countersign, token: &str) -> Option<Claims> {
    let issued_at = inspect(token).ok()?.claims.get("iat").and_then(Value::as_i64)?;
    verify_at(app, token, app.clock().now().max(issued_at))
}

fn verify_at(app: &Countersign, token: &str, now: i64) -> Option<Claims> {
    // Whom it says it is for is compared with itself: the signature tells whether it was issued so.
    let unverified = inspect(token).ok()?.claims;
    let audience = audiences(unverified.get("aud")).first().copied()?.to_owned();
    let keys = app.keyring().current();
    let verifier = Verifier::new(&app.settings().issuer, &audience, keys.published.clone());
    verifier.longest_lifetime_s(i64::MAX).verify(token, now).ok()
}

/// Whether a token speaks for a thing, and for no user and no client.
pub(crate) fn is_for_thing(claims: &Claims) -> bool {
    let subject = claims.subject().parse::<Subject>();
    subject.is_ok_and(|subject| ![Subject::USER, Subject::CLIENT].contains(&subject.kind()))
}

fn audiences(aud: Option<&Value>) -> Vec<&str> {
    match aud {
        Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).collect(),
        one => one.and_then(Value::as_str).into_iter().collect(),
    }
}

fn is_callers_business(claims: &Claims, caller: &Client) -> bool {
    let is_for_it = audiences(claims.get("aud")).iter().any(|aud| caller.audiences.iter().any(|own| own == aud));
    is_for_it || claims.client_id() == Some(caller.id.as_str())
}

/// Whether what the token rests on still stands: the session and its user, the client, or the thing and its owner.
async fn access(app: &Countersign, claims: Claims) -> Result<Option<ActiveToken>, StoreError> {
    let Ok(subject) = claims.subject().parse::<Subject>() else { return Ok(None) };
    if !is_clients(app, &claims).await? {
        return Ok(None);
    }
    if subject.kind() == Subject::CLIENT {
        return Ok(Some(ActiveToken::Access { claims, username: None }));
    }
    if is_for_thing(&claims) {
        let is_live = app.entities().is_live(&claims).await?;
        return Ok(is_live.then_some(ActiveToken::Access { claims, username: None }));
    }
    let Some(session) = claims.session_id().and_then(|id| id.parse().ok()) else { return Ok(None) };
    let Some((_, user)) = app.sessions().find(session).await? else { return Ok(None) };
    let is_good = subject.id() == user.id.to_string() && !user.disabled && user.scopes.contains_all(claims.scope());
    let username = Some(user.username.to_string());
    Ok(is_good.then_some(ActiveToken::Access { claims, username }))
}

/// Whether the client still stands that the token was given to, and may have what it carries. One that was registered later under the
/// same id is another.
pub(crate) async fn is_clients(app: &Countersign, claims: &Claims) -> Result<bool, StoreError> {
    let Some(id) = claims.client_id().filter(|id| *id != FIRST_PARTY) else { return Ok(true) };
    let Ok(id) = ClientId::new(id) else { return Ok(false) };
    let found = app.clients().store().find_client(&id).await?;
    Ok(found.is_some_and(|client| {
        let is_later = claims.issued_at().is_some_and(|issued_at| issued_at >= client.created_at);
        !client.disabled && is_later && client.scopes.contains_all(claims.scope())
    }))
}
