//! `POST /introspect` (RFC 7662): an API asks whether a token is good.

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, PRAGMA};
use axum::response::IntoResponse;
use countersign_axum::form::TokenError;
use countersign_token::{Claims, Subject, jws};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use crate::app::Countersign;
use crate::client::Client;
use crate::grant::GrantError;
use crate::http::token::{Presented, TAG, read_presented};
use crate::introspection::{ActiveToken, introspect};
use crate::session::Session;
use crate::user::User;

/// A token that is asked about.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it stands for the form in the document")]
pub(crate) struct IntrospectionForm {
    /// A refresh token or an access token.
    #[schema(min_length = 1)]
    token: String,
    /// What it probably is; it is found either way.
    token_type_hint: Option<String>,
    client_id: Option<String>,
    #[schema(format = Password)]
    client_secret: Option<String>,
    client_assertion_type: Option<String>,
    client_assertion: Option<String>,
}

/// What is said of a token (RFC 7662 section 2.2): of one that is not good, that alone.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it stands for the answer in the document")]
pub(crate) struct Introspection {
    active: bool,
    scope: Option<String>,
    client_id: Option<String>,
    username: Option<String>,
    token_type: Option<String>,
    exp: Option<i64>,
    iat: Option<i64>,
    sub: Option<String>,
    aud: Option<Vec<String>>,
    iss: Option<String>,
    jti: Option<String>,
    sid: Option<String>,
}

/// Ask whether a token is good.
///
/// For clients with a secret or a key. They learn of tokens that they were given, and of those that are for one of their audiences.
/// With `Accept: application/token-introspection+jwt` the answer is signed (RFC 9701).
#[utoipa::path(post, path = "/introspect", tag = TAG,
    request_body(content = IntrospectionForm, content_type = "application/x-www-form-urlencoded"), responses(
    (status = 200, description = "What there is to say of the token", content(
        (Introspection = "application/json"),
        (String = "application/token-introspection+jwt"),
    )),
    (status = 400, description = "The request is malformed", body = TokenError),
    (status = 401, description = "The client has not proven who it is", body = TokenError),
    (status = 429, description = "Too many wrong secrets: Retry-After says when to try again", body = TokenError),
    (status = 503, description = "The server cannot answer now", body = TokenError),
))]
pub(crate) async fn introspect_token(
    State(app): State<Countersign>,
    request: Request,
) -> Result<impl IntoResponse, TokenError> {
    let is_to_be_signed = accepts_jwt(request.headers());
    let Presented { token, client } = read_presented(&app, request).await.map_err(TokenError::unauthorized)?;
    if client.is_public {
        return Err(TokenError::wrong_client("Introspection is for clients that prove who they are"));
    }
    let found = introspect(&app, &token, &client).await;
    let found = found.map_err(|error| TokenError::from(GrantError::unavailable(error)))?;
    let answer = match found {
        None => json!({ "active": false }),
        Some(ActiveToken::Access { claims, username }) => of_access(&claims, username),
        Some(ActiveToken::Refresh(found)) => of_refresh(&found.0, &found.1),
    };
    log(&answer);
    let (media_type, body) =
        if is_to_be_signed { (JWT, sign(&app, &client, &answer)?) } else { ("application/json", answer.to_string()) };
    Ok(([(CONTENT_TYPE, media_type), (CACHE_CONTROL, "no-store"), (PRAGMA, "no-cache")], body))
}

/// The media type of a signed answer; its `typ` is the part after the slash (RFC 9701 section 5).
const JWT: &str = "application/token-introspection+jwt";

fn accepts_jwt(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut types = accepted.flat_map(|value| value.split(',')).filter_map(|range| range.split(';').next());
    types.any(|media_type| media_type.trim().eq_ignore_ascii_case(JWT))
}

/// An answer that the caller can show to others (RFC 9701 section 5). It has neither `sub` nor `exp` of its own, so that nobody takes it for
/// a token.
fn sign(app: &Countersign, client: &Client, answer: &Value) -> Result<String, TokenError> {
    let claims = json!({
        "iss": app.settings().issuer,
        "aud": client.id.as_str(),
        "iat": app.clock().now(),
        "token_introspection": answer,
    });
    let typ = JWT.trim_start_matches("application/");
    let signed = jws::sign_typed(claims.to_string().as_bytes(), typ, app.keyring().current().issuer.key());
    signed.map_err(|error| GrantError::unavailable(error).into())
}

/// About whose token was asked; nothing of the token. Who asked is known to the request.
fn log(answer: &Value) {
    let text = |name: &str| answer.get(name).and_then(Value::as_str);
    let (outcome, subject) = (if answer["active"] == true { "active" } else { "inactive" }, text("sub"));
    tracing::info!(outcome, subject, token_client = text("client_id"), "introspect");
}

fn of_access(claims: &Claims, username: Option<String>) -> Value {
    let copied = ["client_id", "exp", "iat", "sub", "aud", "iss", "jti", "sid"];
    let copied = copied.into_iter().filter_map(|name| Some((name.to_owned(), claims.get(name)?.clone())));
    let mut answer: Map<String, Value> = copied.collect();
    answer.insert("active".to_owned(), true.into());
    answer.insert("token_type".to_owned(), "Bearer".into());
    answer.insert("scope".to_owned(), claims.scope().to_string().into());
    answer.extend(username.map(|name| ("username".to_owned(), name.into())));
    answer.into()
}

fn of_refresh(session: &Session, user: &User) -> Value {
    json!({
        "active": true,
        "scope": session.scope.to_string(),
        "client_id": session.client,
        "username": user.username.as_str(),
        "sub": Subject::user(&user.id.to_string()).map(|subject| subject.to_string()).unwrap_or_default(),
        "exp": session.refresh.as_ref().map(|refresh| refresh.until),
        "iat": session.last_used_at,
        "sid": session.id.to_string(),
    })
}
