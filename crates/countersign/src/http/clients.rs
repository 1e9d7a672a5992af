//! `/clients`: the administration of the programs that ask for tokens.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use countersign_axum::{CurrentUser, Problem, Scoped};
use countersign_token::ScopeSet;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::app::Countersign;
use crate::client::{Client, ClientChange, ClientId, ClientKeys, ClientSecret, Grant, check_audiences, check_name};
use crate::http::error::{ApiError, PROBLEM_JSON};
use crate::http::json::{BodyRefused, JsonBody};
use crate::http::text::{AudienceText, GrantText, ScopeText};
use crate::http::view::rfc3339;
use crate::scopes::{ClientsRead, ClientsWrite};
use crate::user::User;

/// How the document groups these routes.
pub(crate) const TAG: &str = "clients";

/// A client.
#[derive(Serialize, ToSchema)]
#[schema(as = Client)]
pub struct ClientView {
    id: String,
    name: String,
    /// Whether it can keep no secret.
    is_public: bool,
    /// How it may ask for tokens: `password`, `refresh_token`, `client_credentials`.
    grants: Vec<&'static str>,
    /// The most that its tokens carry.
    scopes: Vec<String>,
    /// The APIs that its tokens are for; nobody named is the audience of the server. About tokens for these it may ask at `/introspect`.
    audiences: Vec<String>,
    /// How long its access tokens live, in seconds; `null`: as long as those of the server.
    access_token_lifetime: Option<i64>,
    /// Whether every login by it comes with a refresh token.
    always_refresh: bool,
    disabled: bool,
    #[schema(format = DateTime)]
    created_at: String,
    /// Its secrets: the beginnings of their hashes.
    secrets: Vec<SecretView>,
    /// Its public keys, a JWK set (RFC 7517), by which it proves itself in the place of a secret or beside it.
    #[schema(value_type = Object)]
    jwks: Value,
}

/// A secret, without the secret.
#[derive(Serialize, ToSchema)]
pub(crate) struct SecretView {
    id: String,
    #[schema(format = DateTime)]
    created_at: String,
}

/// A new secret, which is shown this once.
#[derive(Serialize, ToSchema)]
pub(crate) struct NewSecret {
    id: String,
    client_secret: String,
}

/// A client that was registered, with its secret if it has one.
#[derive(Serialize, ToSchema)]
pub(crate) struct RegisteredClient {
    #[serde(flatten)]
    client: ClientView,
    /// It is shown this once.
    client_secret: Option<String>,
}

/// A client to be registered.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewClient)]
pub(crate) struct NewClientBody {
    /// 1 to 64 letters, digits and `.`, `_`, `-`, `~`.
    #[schema(pattern = "^[A-Za-z0-9._~-]{1,64}$")]
    id: String,
    #[serde(default)]
    is_public: bool,
    #[schema(max_length = 128)]
    name: Option<String>,
    #[schema(value_type = Option<Vec<GrantText>>)]
    grants: Option<Vec<String>>,
    #[schema(value_type = Option<Vec<ScopeText>>)]
    scopes: Option<Vec<String>>,
    #[schema(value_type = Option<Vec<AudienceText>>, max_items = 8)]
    audiences: Option<Vec<String>>,
    /// In seconds; 0 for as long as those of the server.
    #[schema(format = Int64, maximum = 4_294_967_295_u32)]
    access_token_lifetime: Option<u32>,
    always_refresh: Option<bool>,
    /// Public keys for `private_key_jwt`, a JWK set: with one, the client gets no secret.
    #[schema(value_type = Option<Object>)]
    jwks: Option<Value>,
}

/// Changes of a client: an absent member stays as it is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ClientChange)]
pub(crate) struct ClientBody {
    #[schema(max_length = 128)]
    name: Option<String>,
    #[schema(value_type = Option<Vec<GrantText>>)]
    grants: Option<Vec<String>>,
    #[schema(value_type = Option<Vec<ScopeText>>)]
    scopes: Option<Vec<String>>,
    #[schema(value_type = Option<Vec<AudienceText>>, max_items = 8)]
    audiences: Option<Vec<String>>,
    /// In seconds; 0 for as long as those of the server.
    #[schema(format = Int64, maximum = 4_294_967_295_u32)]
    access_token_lifetime: Option<u32>,
    always_refresh: Option<bool>,
    disabled: Option<bool>,
    /// Public keys for `private_key_jwt`, a JWK set that takes the place of the one before; without keys it is none.
    #[schema(value_type = Option<Object>)]
    jwks: Option<Value>,
}

impl From<Client> for ClientView {
    fn from(client: Client) -> Self {
        Self {
            id: client.id.to_string(),
            name: client.name,
            is_public: client.is_public,
            grants: client.grants.into_iter().map(Grant::name).collect(),
            scopes: client.scopes.iter().map(str::to_owned).collect(),
            audiences: client.audiences,
            access_token_lifetime: client.access_token_lifetime_s,
            always_refresh: client.always_refresh,
            disabled: client.disabled,
            created_at: rfc3339(client.created_at),
            secrets: client.secrets.iter().map(SecretView::from).collect(),
            jwks: client.keys.to_jwks(),
        }
    }
}

impl From<&ClientSecret> for SecretView {
    fn from(secret: &ClientSecret) -> Self {
        Self { id: secret.id(), created_at: rfc3339(secret.created_at) }
    }
}

impl NewClientBody {
    fn rest(self) -> ClientBody {
        let Self { name, grants, scopes, audiences, access_token_lifetime, always_refresh, jwks, .. } = self;
        ClientBody { name, grants, scopes, audiences, access_token_lifetime, always_refresh, disabled: None, jwks }
    }
}

impl ClientBody {
    fn parse(self) -> Result<ClientChange, ApiError> {
        let grants = self.grants.map(|grants| grants.iter().map(|grant| grant.parse()).collect::<Result<_, String>>());
        if let Some(audiences) = &self.audiences {
            check_audiences(audiences).map_err(ApiError::invalid)?;
        }
        let keys = self.jwks.map(|jwks| ClientKeys::from_jwks(&jwks.to_string()));
        Ok(ClientChange {
            name: self.name.as_deref().map(check_name).transpose().map_err(ApiError::invalid)?,
            grants: grants.transpose().map_err(ApiError::invalid)?,
            scopes: self.scopes.map(ScopeSet::from_tokens).transpose().map_err(ApiError::invalid)?,
            audiences: self.audiences,
            access_token_lifetime_s: self
                .access_token_lifetime
                .map(|seconds| Some(i64::from(seconds)).filter(|s| *s > 0)),
            always_refresh: self.always_refresh,
            disabled: self.disabled,
            keys: keys.transpose().map_err(ApiError::invalid)?,
        })
    }
}

/// Register a client.
#[utoipa::path(post, path = "/clients", tag = TAG, request_body = NewClientBody, responses(
    (status = 201, description = "Registered; the secret is shown this once", body = RegisteredClient),
    (status = 409, description = "The id is taken, or a public client was to have keys or tokens of its own", body = Problem, content_type = PROBLEM_JSON),
    BodyRefused,
))]
pub(crate) async fn register_client(
    CurrentUser(administrator): CurrentUser<User>,
    _: Scoped<ClientsWrite>,
    State(app): State<Countersign>,
    JsonBody(body): JsonBody<NewClientBody>,
) -> Result<(StatusCode, Json<RegisteredClient>), ApiError> {
    let id = ClientId::new(&body.id).map_err(ApiError::invalid)?;
    let client = Client::new(id, body.is_public, app.clock().now());
    let mut client = body.rest().parse()?.apply_to(&client);
    let secret = app.clients().register(&mut client, app.clock().now()).await?;
    tracing::info!(event = "register client", client = %client.id, by = %administrator.id);
    let client_secret = secret.map(|secret| secret.to_string());
    Ok((StatusCode::CREATED, Json(RegisteredClient { client: client.into(), client_secret })))
}

/// List the clients.
#[utoipa::path(get, path = "/clients", tag = TAG,
    responses((status = 200, description = "All clients, by id", body = [ClientView])))]
pub(crate) async fn list_clients(
    _: CurrentUser<User>,
    _: Scoped<ClientsRead>,
    State(app): State<Countersign>,
) -> Result<Json<Vec<ClientView>>, ApiError> {
    let clients = app.clients().store().list_clients().await?;
    Ok(Json(clients.into_iter().map(ClientView::from).collect()))
}

/// Read a client.
#[utoipa::path(get, path = "/clients/{id}", tag = TAG, params(("id" = String, Path)), responses(
    (status = 200, description = "The client", body = ClientView),
    (status = 404, description = "There is no such client", body = Problem, content_type = PROBLEM_JSON),
))]
pub(crate) async fn read_client(
    _: CurrentUser<User>,
    _: Scoped<ClientsRead>,
    State(app): State<Countersign>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Json<ClientView>, ApiError> {
    Ok(Json(find(&app, id).await?.into()))
}

/// Change a client. Disabling one ends its sessions.
#[utoipa::path(patch, path = "/clients/{id}", tag = TAG, params(("id" = String, Path)), request_body = ClientBody, responses(
    (status = 200, description = "The client", body = ClientView),
    (status = 404, description = "There is no such client", body = Problem, content_type = PROBLEM_JSON),
    (status = 409, description = "It is public and can have neither keys nor tokens of its own", body = Problem, content_type = PROBLEM_JSON),
    BodyRefused,
))]
pub(crate) async fn change_client(
    CurrentUser(administrator): CurrentUser<User>,
    _: Scoped<ClientsWrite>,
    State(app): State<Countersign>,
    id: Result<Path<String>, PathRejection>,
    JsonBody(body): JsonBody<ClientBody>,
) -> Result<Json<ClientView>, ApiError> {
    let client = find(&app, id).await?;
    let changed = app.clients().change(&client, &body.parse()?).await?;
    let client = changed.ok_or_else(no_such_client)?;
    tracing::info!(event = "change client", client = %client.id, by = %administrator.id);
    Ok(Json(client.into()))
}

/// Delete a client, for good. Its sessions end.
#[utoipa::path(delete, path = "/clients/{id}", tag = TAG, params(("id" = String, Path)), responses(
    (status = 204, description = "Deleted"),
    (status = 404, description = "There is no such client", body = Problem, content_type = PROBLEM_JSON),
))]
pub(crate) async fn delete_client(
    CurrentUser(administrator): CurrentUser<User>,
    _: Scoped<ClientsWrite>,
    State(app): State<Countersign>,
    id: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, ApiError> {
    let client = find(&app, id).await?;
    if !app.clients().store().delete_client(&client.id).await? {
        return Err(no_such_client());
    }
    tracing::info!(event = "delete client", client = %client.id, by = %administrator.id);
    Ok(StatusCode::NO_CONTENT)
}

/// Give a client a second secret, so that it can change over without an outage; then remove the first.
#[utoipa::path(post, path = "/clients/{id}/secrets", tag = TAG, params(("id" = String, Path)), responses(
    (status = 201, description = "The new secret, which is shown this once", body = NewSecret),
    (status = 404, description = "There is no such client", body = Problem, content_type = PROBLEM_JSON),
    (status = 409, description = "It is public, or has two secrets already", body = Problem, content_type = PROBLEM_JSON),
))]
pub(crate) async fn add_client_secret(
    CurrentUser(administrator): CurrentUser<User>,
    _: Scoped<ClientsWrite>,
    State(app): State<Countersign>,
    id: Result<Path<String>, PathRejection>,
) -> Result<(StatusCode, Json<NewSecret>), ApiError> {
    let client = find(&app, id).await?;
    let (text, secret) = app.clients().add_secret(&client, app.clock().now()).await?;
    tracing::info!(event = "add client secret", client = %client.id, by = %administrator.id);
    Ok((StatusCode::CREATED, Json(NewSecret { id: secret.id(), client_secret: text.to_string() })))
}

/// Remove a secret of a client, but not its last proof of who it is.
#[utoipa::path(delete, path = "/clients/{id}/secrets/{secret}", tag = TAG,
    params(("id" = String, Path), ("secret" = String, Path)), responses(
    (status = 204, description = "Removed"),
    (status = 404, description = "There is no such secret", body = Problem, content_type = PROBLEM_JSON),
    (status = 409, description = "It is the last one", body = Problem, content_type = PROBLEM_JSON),
))]
pub(crate) async fn remove_client_secret(
    CurrentUser(administrator): CurrentUser<User>,
    _: Scoped<ClientsWrite>,
    State(app): State<Countersign>,
    path: Result<Path<(String, String)>, PathRejection>,
) -> Result<StatusCode, ApiError> {
    let Ok(Path((id, secret))) = path else { return Err(no_such_client()) };
    let client = find(&app, Ok(Path(id))).await?;
    app.clients().remove_secret(&client, &secret).await?;
    tracing::info!(event = "remove client secret", client = %client.id, by = %administrator.id);
    Ok(StatusCode::NO_CONTENT)
}

async fn find(app: &Countersign, id: Result<Path<String>, PathRejection>) -> Result<Client, ApiError> {
    let id = id.ok().and_then(|Path(id)| ClientId::new(&id).ok()).ok_or_else(no_such_client)?;
    app.clients().store().find_client(&id).await?.ok_or_else(no_such_client)
}

fn no_such_client() -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, "There is no such client")
}
