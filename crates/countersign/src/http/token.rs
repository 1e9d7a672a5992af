//! `POST /token`: the form, the grant, the answer.

use axum::Json;
use axum::extract::{FromRequest, Request, State};
use axum::http::header::{CACHE_CONTROL, PRAGMA, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use countersign_axum::ErrorStyle;
use countersign_axum::form::{
    ClientCredentials, FastApiPasswordForm, PasswordForm, StrictForm, TokenAnswer, TokenError, TokenErrorCode,
};
use serde_json::json;
use zeroize::Zeroizing;

use crate::app::Countersign;
use crate::grant::{GrantError, TokenRequest, TokenResponse};

/// How the document groups these routes.
pub(crate) const TAG: &str = "token";

/// Get an access token.
#[utoipa::path(post, path = "/token", tag = TAG,
    request_body(content = PasswordForm, content_type = "application/x-www-form-urlencoded"), responses(
    (status = 200, description = "A token", body = TokenAnswer),
    (status = 400, description = "The request is malformed, or the credentials are wrong"),
    (status = 503, description = "Too many logins at once; Retry-After says when to try again"),
))]
pub(crate) async fn issue_token(State(app): State<Countersign>, request: Request) -> Response {
    let answer = match app.settings().error_style {
        ErrorStyle::Problem => issue_strictly(&app, request).await,
        ErrorStyle::FastApi => issue_as_fastapi(&app, request).await,
    };
    answer.unwrap_or_else(|refusal| refusal)
}

/// RFC 6749, to the letter.
async fn issue_strictly(app: &Countersign, request: Request) -> Result<Response, Response> {
    let request = read(request).await.map_err(IntoResponse::into_response)?;
    let token = app.grants().grant(request).await.map_err(|error| refuse(&error))?;
    let TokenResponse { access_token, expires_in, scope } = token;
    let answer = TokenAnswer::new(access_token, expires_in);
    Ok(if scope.is_empty() { answer } else { answer.scope(scope) }.into_response())
}

/// The form and the answers of FastAPI's tutorials.
async fn issue_as_fastapi(app: &Countersign, request: Request) -> Result<Response, Response> {
    let form = FastApiPasswordForm::from_request(request, &()).await.map_err(IntoResponse::into_response)?;
    let request = TokenRequest {
        grant_type: Some("password".to_owned()),
        username: Some(form.username().to_owned()),
        password: Some(Zeroizing::new(form.password().to_owned())),
        scope: Some(form.scopes().join(" ")).filter(|scope| !scope.is_empty()),
        refresh_token: None,
    };
    let token = app.grants().grant(request).await.map_err(|error| refuse_as_fastapi(&error))?;
    Ok(TokenAnswer::fastapi(token.access_token).into_response())
}

/// Reads the form; a client that is named is refused, since none is registered here.
async fn read(request: Request) -> Result<TokenRequest, TokenError> {
    let headers = request.headers().clone();
    let form = StrictForm::from_request(request, &()).await?;
    let text = |name| Ok::<_, TokenError>(form.optional(name)?.map(str::to_owned));
    let request = TokenRequest {
        grant_type: text("grant_type")?,
        username: text("username")?,
        password: text("password")?.map(Zeroizing::new),
        refresh_token: text("refresh_token")?.map(Zeroizing::new),
        scope: text("scope")?,
    };
    match ClientCredentials::from_request(&headers, &form)? {
        Some(client) => Err(client.refuse()),
        None => Ok(request),
    }
}

fn refuse(error: &GrantError) -> Response {
    use TokenErrorCode::{InvalidGrant, InvalidRequest, InvalidScope, UnsupportedGrantType};
    let code = match error {
        GrantError::Missing(_) | GrantError::InvalidRequest(_) => InvalidRequest,
        GrantError::InvalidGrant(_) => InvalidGrant,
        GrantError::UnsupportedGrantType => UnsupportedGrantType,
        GrantError::InvalidScope => InvalidScope,
        GrantError::Busy { retry_after_s } => return try_later(error, *retry_after_s),
        GrantError::Unavailable => return try_later(error, 1),
    };
    TokenError::new(code, error.to_string()).into_response()
}

/// RFC 6749 has no code for a server that is busy; this one is borrowed from its section 4.1.2.1.
fn try_later(error: &GrantError, retry_after_s: u32) -> Response {
    let text = error.to_string();
    let body = json!({ "error": "temporarily_unavailable", "error_description": text, "detail": text });
    let mut response = (StatusCode::SERVICE_UNAVAILABLE, Json(body)).into_response();
    forbid_storing(&mut response);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(retry_after_s));
    response
}

fn refuse_as_fastapi(error: &GrantError) -> Response {
    let status = match error {
        GrantError::InvalidGrant(_) => StatusCode::UNAUTHORIZED,
        GrantError::Busy { retry_after_s } => return try_later(error, *retry_after_s),
        GrantError::Unavailable => return try_later(error, 1),
        _ => StatusCode::BAD_REQUEST,
    };
    let mut response = ErrorStyle::FastApi.answer(status, error.to_string());
    forbid_storing(&mut response);
    if status == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

/// Answers of the token endpoint are kept nowhere.
fn forbid_storing(response: &mut Response) {
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.headers_mut().insert(PRAGMA, HeaderValue::from_static("no-cache"));
}
