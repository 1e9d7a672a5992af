//! What is to be said of a token to whoever asks (RFC 7662).

use countersign_token::{Claims, Subject, Verifier};

use crate::app::Countersign;
use crate::client::{Client, ClientId};
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
    let Some(claims) = verify(app, token, caller) else { return Ok(None) };
    if !is_callers_business(&claims, caller) {
        return Ok(None);
    }
    access(app, claims).await
}

/// The claims of an access token for the server's own audience or one of the client's.
pub(crate) fn verify(app: &Countersign, token: &str, client: &Client) -> Option<Claims> {
    let keys = app.keyring().current();
    let settings = app.settings();
    let audiences = std::iter::once(&settings.audience).chain(&client.audiences);
    let verify = |audience: &String| {
        let verifier = Verifier::new(&settings.issuer, audience, keys.published.clone());
        verifier.longest_lifetime_s(settings.access_token_lifetime_s).verify(token, app.clock().now()).ok()
    };
    audiences.into_iter().find_map(verify)
}

fn is_callers_business(claims: &Claims, caller: &Client) -> bool {
    let audiences = claims.get("aud").map(|aud| match aud {
        serde_json::Value::Array(all) => all.iter().filter_map(|one| one.as_str()).collect(),
        one => one.as_str().into_iter().collect::<Vec<_>>(),
    });
    let is_for_it = audiences.is_some_and(|all| caller.audiences.iter().any(|own| all.contains(&own.as_str())));
    is_for_it || claims.client_id() == Some(caller.id.as_str())
}

/// Whether what the token rests on still stands: the session and its user, or the client.
async fn access(app: &Countersign, claims: Claims) -> Result<Option<ActiveToken>, StoreError> {
    let Ok(subject) = claims.subject().parse::<Subject>() else { return Ok(None) };
    if subject.kind() == Subject::CLIENT {
        let Ok(id) = ClientId::new(subject.id()) else { return Ok(None) };
        let client = app.clients().store().find_client(&id).await?;
        let is_good = client.is_some_and(|client| !client.disabled && client.scopes.contains_all(claims.scope()));
        return Ok(is_good.then_some(ActiveToken::Access { claims, username: None }));
    }
    let Some(session) = claims.session_id().and_then(|id| id.parse().ok()) else { return Ok(None) };
    let Some((_, user)) = app.sessions().find(session).await? else { return Ok(None) };
    let is_good = subject.id() == user.id.to_string() && !user.disabled && user.scopes.contains_all(claims.scope());
    let username = Some(user.username.to_string());
    Ok(is_good.then_some(ActiveToken::Access { claims, username }))
}
