//! `POST /revoke` (RFC 7009): a client gives a token back.

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, PRAGMA};
use axum::response::IntoResponse;
use countersign_axum::form::{TokenError, TokenErrorCode};
use countersign_token::Subject;
use utoipa::ToSchema;

use crate::app::Countersign;
use crate::client::Client;
use crate::grant::GrantError;
use crate::http::token::{Presented, TAG, read_presented};
use crate::introspection::{is_for_thing, verify_even_if_early};
use crate::session::RefreshToken;
use crate::store::StoreError;

/// A token that is given back.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it stands for the form in the document")]
pub(crate) struct RevocationForm {
    /// A refresh token or an access token.
    #[schema(min_length = 1)]
    token: String,
    /// What it probably is; it is found either way.
    token_type_hint: Option<String>,
    /// Who gives it back, if it does not say so by HTTP Basic.
    client_id: Option<String>,
    #[schema(format = Password)]
    client_secret: Option<String>,
    client_assertion_type: Option<String>,
    client_assertion: Option<String>,
}

/// Give a token back: the session that it is of ends, and all its tokens with it.
///
/// The answer is the same for a token that was never issued or is not good any more (RFC 7009 section 2.2).
#[utoipa::path(post, path = "/revoke", tag = TAG,
    request_body(content = RevocationForm, content_type = "application/x-www-form-urlencoded"), responses(
    (status = 200, description = "The token is not good any more"),
    (status = 400, description = "The request is malformed", body = TokenError),
    (status = 401, description = "The Authorization header names a client that is not known", body = TokenError),
    (status = 429, description = "Too many wrong secrets: Retry-After says when to try again", body = TokenError),
    (status = 503, description = "The token could not be revoked: try again", body = TokenError),
))]
pub(crate) async fn revoke_token(
    State(app): State<Countersign>,
    request: Request,
) -> Result<impl IntoResponse, TokenError> {
    let Presented { token, client } = read_presented(&app, request).await?;
    revoke(&app, &token, &client).await?;
    Ok((StatusCode::OK, [(CACHE_CONTROL, "no-store"), (PRAGMA, "no-cache")]))
}

/// A failure must not read as success.
async fn revoke(app: &Countersign, token: &str, client: &Client) -> Result<(), TokenError> {
    let failed = |error: StoreError| TokenError::from(GrantError::unavailable(error));
    if let Some(token) = RefreshToken::read(token) {
        return app.sessions().revoke(&token, client.id.as_str()).await.map_err(failed);
    }
    let claims = verify_even_if_early(app, token).filter(|claims| claims.client_id() == Some(client.id.as_str()));
    let Some(claims) = claims else { return Ok(()) };
    let session = claims.session_id().and_then(|id| id.parse().ok());
    let session = session.ok_or_else(unsupported_token_type)?;
    if is_for_thing(&claims) {
        app.entities().revoke(session, None, None).await.map_err(failed)?;
    } else {
        let subject = claims.subject().parse::<Subject>().ok().filter(|subject| subject.kind() == Subject::USER);
        let user = subject.and_then(|subject| subject.id().parse().ok());
        app.sessions().end(session, user).await.map_err(failed)?;
    }
    Ok(())
}

/// RFC 7009 section 2.2.1.
fn unsupported_token_type() -> TokenError {
    let text = "A token that is of no session cannot be revoked: it ends when it expires";
    TokenError::new(TokenErrorCode::UnsupportedTokenType, text)
}
