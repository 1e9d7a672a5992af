//! `POST /token`: the form, the grant, the answer.

use axum::extract::{FromRequest, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use countersign_axum::ErrorStyle;
use countersign_axum::fastapi::OAuth2PasswordRequestForm;
use countersign_axum::form::{ClientCredentials, StrictForm, TokenAnswer, TokenError, TokenErrorCode};
use utoipa::ToSchema;
use zeroize::Zeroizing;

use crate::app::Countersign;
use crate::client::Client;
use crate::clients::{self, ClientError, Proof, Shown, first_party};
use crate::grant::{GrantError, GrantOutcome, TokenRequest, TokenResponse};
use crate::http::caller::{Caller, keep_device};
use crate::throttles::Throttled;
use crate::trail;

/// How the document groups these routes.
pub(crate) const TAG: &str = "token";

/// A token request (RFC 6749 section 4): a login, or the next token of a session.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it stands for the form in the document")]
pub(crate) struct TokenForm {
    #[schema(pattern = "^(password|refresh_token|client_credentials)$")]
    grant_type: String,
    /// With `password`: the user name or the e-mail address.
    username: Option<String>,
    /// With `password`.
    #[schema(format = Password)]
    password: Option<String>,
    /// With `refresh_token`: the one of the last answer.
    refresh_token: Option<String>,
    /// Scopes, parted by single spaces; `offline_access` asks for a refresh token.
    scope: Option<String>,
    /// Who asks, if it does not say so by HTTP Basic; nothing stands for `first-party`, which shows no secret.
    client_id: Option<String>,
    #[schema(format = Password)]
    client_secret: Option<String>,
    /// With `client_assertion`: `urn:ietf:params:oauth:client-assertion-type:jwt-bearer`.
    client_assertion_type: Option<String>,
    /// A JWT by which a client with registered keys says who it is (RFC 7523).
    client_assertion: Option<String>,
}

/// The two members that FastAPI's tutorials answer with.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it stands for the answer in the document")]
pub(crate) struct Token {
    access_token: String,
    #[schema(example = "bearer")]
    token_type: String,
}

/// Get an access token.
#[utoipa::path(post, path = "/token", tag = TAG,
    request_body(content = TokenForm, content_type = "application/x-www-form-urlencoded"), responses(
    (status = 200, description = "A token", body = TokenAnswer),
    (status = 400, description = "The request is malformed, or the credentials are wrong", body = TokenError),
    (status = 401, description = "The Authorization header names a client that is not known", body = TokenError),
    (status = 429, description = "Too many wrong passwords or secrets: Retry-After says when to try again", body = TokenError),
    (status = 503, description = "Too many logins at once: Retry-After says when to try again", body = TokenError),
))]
pub(crate) async fn issue_token(
    State(app): State<Countersign>,
    caller: Caller,
    request: Request,
) -> Result<Response, TokenError> {
    let headers = request.headers().clone();
    let form = StrictForm::from_request(request, &()).await;
    let grant_type = form.as_ref().ok().and_then(|form| form.optional("grant_type").ok()).flatten();
    let grant = grant_type.and_then(|name| name.parse().ok());
    let request = match &form {
        Ok(form) => read(&app, &caller, (&headers, form)).await,
        Err(error) => Err(error.clone().into()),
    };
    let request = request.inspect_err(|error| app.grants().stats().count(grant, outcome_of(error)))?;
    let TokenResponse { access_token, expires_in, refresh_token, scope, device } = app.grants().grant(request).await?;
    let answer = TokenAnswer::new(access_token, expires_in).scope(scope);
    let answer = match refresh_token {
        Some(token) => answer.refresh_token(token),
        None => answer,
    };
    let mut response = answer.into_response();
    keep_device(response.headers_mut(), device, app.settings());
    Ok(response)
}

/// Get an access token. Forms and answers are those of FastAPI's tutorials.
#[utoipa::path(post, path = "/token", tag = TAG, operation_id = "issue_token", responses(
    (status = 200, description = "A token", body = Token),
    (status = 401, description = "Incorrect username or password"),
    (status = 429, description = "Too many wrong passwords: Retry-After says when to try again"),
    (status = 503, description = "Too many logins at once: Retry-After says when to try again"),
))]
pub(crate) async fn issue_token_as_fastapi(
    State(app): State<Countersign>,
    caller: Caller,
    form: OAuth2PasswordRequestForm,
) -> Response {
    let request = TokenRequest {
        client: first_party(),
        grant_type: Some("password".to_owned()),
        username: Some(form.username().to_owned()),
        password: Some(Zeroizing::new(form.password().to_owned())),
        scope: Some(form.scope().to_string()).filter(|scope| !scope.is_empty()),
        refresh_token: None,
        whence: caller.whence().clone(),
        origin: caller.origin(),
    };
    match app.grants().grant(request).await {
        Ok(token) => {
            let mut response = TokenAnswer::fastapi(token.access_token).into_response();
            keep_device(response.headers_mut(), token.device, app.settings());
            response
        }
        Err(error) => TokenError::from(error).answer(ErrorStyle::FastApi),
    }
}

/// Reads the form, and has the client prove who it is.
async fn read(
    app: &Countersign,
    caller: &Caller,
    (headers, form): (&HeaderMap, &StrictForm),
) -> Result<TokenRequest, TokenError> {
    let text = |name| Ok::<_, TokenError>(form.optional(name)?.map(str::to_owned));
    Ok(TokenRequest {
        grant_type: text("grant_type")?,
        username: text("username")?,
        password: text("password")?.map(Zeroizing::new),
        refresh_token: text("refresh_token")?.map(Zeroizing::new),
        scope: text("scope")?,
        whence: caller.whence().clone(),
        origin: caller.origin(),
        client: authenticate_client(app, caller, (headers, form)).await?,
    })
}

/// What has become of a request that was refused before its grant was looked at.
fn outcome_of(error: &TokenError) -> GrantOutcome {
    match error.code() {
        TokenErrorCode::InvalidClient => GrantOutcome::InvalidClient,
        _ if error.status() == StatusCode::TOO_MANY_REQUESTS => GrantOutcome::Throttled,
        TokenErrorCode::TemporarilyUnavailable => GrantOutcome::Unavailable,
        _ => GrantOutcome::Invalid,
    }
}

/// A token that a client presents, to give it back or to ask about it.
pub(crate) struct Presented {
    pub(crate) token: Zeroizing<String>,
    pub(crate) client: Client,
}

/// Reads the form of [`Presented`] (RFC 7009 section 2.1, RFC 7662 section 2.1).
pub(crate) async fn read_presented(app: &Countersign, request: Request) -> Result<Presented, TokenError> {
    let headers = request.headers().clone();
    let caller = Caller::of(&headers, request.extensions());
    let form = StrictForm::from_request(request, &()).await?;
    let token = Zeroizing::new(form.required("token")?.to_owned());
    // Read, so that a repeated one is refused; it tells nothing that the token itself does not.
    form.optional("token_type_hint")?;
    Ok(Presented { token, client: authenticate_client(app, &caller, (&headers, &form)).await? })
}

/// The client that a request names, if it is who it says.
async fn authenticate_client(
    app: &Countersign,
    caller: &Caller,
    (headers, form): (&HeaderMap, &StrictForm),
) -> Result<Client, TokenError> {
    let shown = ClientCredentials::from_request(headers, form);
    let shown = shown.inspect_err(|error| {
        if error.code() == TokenErrorCode::InvalidClient {
            let claimed = form.optional("client_id").ok().flatten().unwrap_or_default();
            clients::refuse(claimed, &error.description());
        }
    })?;
    let seen = shown.as_ref().map(|shown| Shown { id: shown.id(), proof: proof(shown), whence: caller.whence() });
    let known = app.clients().authenticate(seen, &app.settings().issuer, app.clock().now()).await;
    let known = known.inspect(|client| trail::of_client(client.id.as_str()));
    known.map_err(|error| match (error, shown) {
        (ClientError::Refused, Some(shown)) => shown.refuse(),
        (ClientError::Refused, None) => TokenError::new(TokenErrorCode::InvalidClient, "Name the client"),
        (ClientError::Throttled(throttled), _) => GrantError::Throttled(throttled).into(),
        (ClientError::Store(error), _) => GrantError::unavailable(error).into(),
    })
}

fn proof(shown: &ClientCredentials) -> Proof<'_> {
    match (shown.secret(), shown.assertion()) {
        (Some(secret), _) => Proof::Secret(secret),
        (None, Some(assertion)) => Proof::Assertion(assertion),
        (None, None) => Proof::None,
    }
}

impl From<GrantError> for TokenError {
    fn from(error: GrantError) -> Self {
        use TokenErrorCode::{InvalidGrant, InvalidRequest, InvalidScope, UnauthorizedClient, UnsupportedGrantType};
        let text = error.to_string();
        match error {
            GrantError::Missing(_) | GrantError::InvalidRequest(_) => Self::new(InvalidRequest, text),
            GrantError::InvalidGrant(_) => Self::new(InvalidGrant, text),
            GrantError::UnauthorizedClient => Self::new(UnauthorizedClient, text),
            GrantError::UnsupportedGrantType => Self::new(UnsupportedGrantType, text),
            GrantError::InvalidScope => Self::new(InvalidScope, text),
            GrantError::Throttled(Throttled { retry_after_s }) => Self::too_many(text, retry_after_s),
            GrantError::Busy { retry_after_s } => Self::try_later(text, retry_after_s),
            GrantError::Unavailable => Self::try_later(text, 1),
        }
    }
}
