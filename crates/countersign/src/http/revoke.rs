//! `POST /revoke` (RFC 7009): a client gives a token back.

use axum::extract::{FromRequest as _, Request, State};
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, PRAGMA};
use axum::response::IntoResponse;
use countersign_axum::form::{StrictForm, TokenError};
use utoipa::ToSchema;

use crate::app::Countersign;
use crate::grant::{FIRST_PARTY_CLIENT, GrantError};
use crate::http::token::{TAG, check_client};
use crate::session::RefreshToken;
use crate::store::StoreError;

/// A token that is given back.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it stands for the form in the document")]
pub(crate) struct RevocationForm {
    /// A refresh token or an access token.
    token: String,
    /// What it probably is; it is found either way.
    token_type_hint: Option<String>,
    /// `first-party`, or nothing.
    client_id: Option<String>,
}

/// Give a token back: the session that it is of ends, and all its tokens with it.
///
/// The answer is the same for a token that was never issued or is not good any more (RFC 7009 section 2.2).
#[utoipa::path(post, path = "/revoke", tag = TAG,
    request_body(content = RevocationForm, content_type = "application/x-www-form-urlencoded"), responses(
    (status = 200, description = "The token is not good any more"),
    (status = 400, description = "The request is malformed", body = TokenError),
    (status = 401, description = "The Authorization header names a client that is not known", body = TokenError),
    (status = 503, description = "The token could not be revoked: try again", body = TokenError),
))]
pub(crate) async fn revoke_token(
    State(app): State<Countersign>,
    request: Request,
) -> Result<impl IntoResponse, TokenError> {
    let headers = request.headers().clone();
    let form = StrictForm::from_request(request, &()).await?;
    let token = form.required("token")?;
    // Read, so that a repeated one is refused; it tells nothing that the token itself does not.
    form.optional("token_type_hint")?;
    check_client(&headers, &form)?;
    // A failure must not read as success.
    revoke(&app, token).await.map_err(|error| TokenError::from(GrantError::unavailable(error)))?;
    Ok((StatusCode::OK, [(CACHE_CONTROL, "no-store"), (PRAGMA, "no-cache")]))
}

async fn revoke(app: &Countersign, token: &str) -> Result<(), StoreError> {
    if let Some(token) = RefreshToken::read(token) {
        return app.sessions().revoke(&token, FIRST_PARTY_CLIENT).await;
    }
    let claims = app.verify(token).filter(|claims| claims.client_id() == Some(FIRST_PARTY_CLIENT));
    if let Some(session) = claims.and_then(|claims| claims.session_id()?.parse().ok()) {
        app.sessions().end(session, None).await?;
    }
    Ok(())
}
