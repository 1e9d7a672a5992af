//! `/entities/{kind}/{id}/tokens`: tokens that speak for a thing, made by its owner.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::response::IntoResponse;
use countersign_axum::{Bearer, CurrentUser, Problem};
use countersign_token::ScopeSet;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::Countersign;
use crate::entities::Order;
use crate::entity::{EntityToken, check_token_name};
use crate::http::actor::Actor;
use crate::http::entities::{TAG, ThingPath, no_such_entity, reach, subject_of};
use crate::http::error::{ApiError, PROBLEM_JSON};
use crate::http::json::{BodyRefused, JsonBody};
use crate::http::me::only_first_party;
use crate::http::text::ScopeText;
use crate::http::view::rfc3339;
use crate::user::User;

/// A token for a thing, without the token.
#[derive(Serialize, ToSchema)]
#[schema(as = EntityToken)]
pub struct EntityTokenView {
    /// The claim `sid` of the token.
    #[schema(format = "uuid")]
    id: String,
    /// What its owner calls it.
    name: String,
    /// What its bearer may do.
    permissions: Vec<String>,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    expires_at: String,
}

/// A token that was made for a thing.
#[derive(Serialize, ToSchema)]
#[schema(as = NewEntityToken)]
pub(crate) struct NewEntityTokenView {
    #[serde(flatten)]
    kept: EntityTokenView,
    /// It is shown this once. Nothing renews it.
    access_token: String,
    #[schema(example = "Bearer")]
    token_type: &'static str,
    /// How long it lives, in seconds.
    expires_in: i64,
}

/// A token to be made for a thing.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = EntityTokenOrder)]
pub(crate) struct EntityTokenBody {
    /// For you to know it by: 1 to 128 characters.
    #[schema(min_length = 1, max_length = 128)]
    name: String,
    /// What its bearer may do: of your own permissions over the thing, at least one.
    #[schema(value_type = Vec<ScopeText>, min_items = 1)]
    permissions: Vec<String>,
    /// How long it lives, in seconds; the setting `entity-token-lifetime` bounds it.
    #[schema(minimum = 1)]
    expires_in: i64,
}

impl From<EntityToken> for EntityTokenView {
    fn from(token: EntityToken) -> Self {
        Self {
            id: token.id.to_string(),
            name: token.name,
            permissions: token.permissions.iter().map(str::to_owned).collect(),
            created_at: rfc3339(token.created_at),
            expires_at: rfc3339(token.expires_at),
        }
    }
}

/// Make a token for a thing of yours, for a person or a bot without an account.
///
/// Its subject is the thing, its scopes are the permissions, and it opens no account. It cannot be refreshed.
#[utoipa::path(post, path = "/entities/{kind}/{id}/tokens", tag = TAG,
    params(("kind" = String, Path), ("id" = String, Path)), request_body = EntityTokenBody, responses(
    (status = 201, description = "The token, which is shown this once", body = NewEntityTokenView),
    (status = 403, description = "It would carry more than your own permissions, or the token is of a registered client", body = Problem, content_type = PROBLEM_JSON),
    (status = 404, description = "There is no such thing, or it is somebody else's", body = Problem, content_type = PROBLEM_JSON),
    (status = 409, description = "The thing has 100 tokens, or changed at the same moment", body = Problem, content_type = PROBLEM_JSON),
    (status = 429, description = "You have made too many tokens: Retry-After says when to try again", body = Problem, content_type = PROBLEM_JSON),
    BodyRefused,
))]
pub(crate) async fn mint_entity_token(
    CurrentUser(owner): CurrentUser<User>,
    Bearer(claims): Bearer,
    State(app): State<Countersign>,
    path: ThingPath,
    JsonBody(body): JsonBody<EntityTokenBody>,
) -> Result<impl IntoResponse, ApiError> {
    only_first_party(&claims)?;
    let session = claims.session_id().and_then(|id| id.parse().ok());
    let order = Order {
        entity: &subject_of(path)?,
        owner: owner.id,
        session: session.ok_or_else(no_such_entity)?,
        name: check_token_name(&body.name).map_err(ApiError::invalid)?,
        permissions: ScopeSet::from_tokens(body.permissions).map_err(ApiError::invalid)?,
        lifetime_s: body.expires_in,
    };
    let minted = app.entities().mint(order).await?;
    let answer = NewEntityTokenView {
        kept: minted.kept.into(),
        access_token: minted.access_token,
        token_type: "Bearer",
        expires_in: body.expires_in,
    };
    Ok((StatusCode::CREATED, [(CACHE_CONTROL, "no-store")], Json(answer)))
}

/// List the tokens for a thing, the youngest first.
///
/// For the owner, and for who has `entities:write`.
#[utoipa::path(get, path = "/entities/{kind}/{id}/tokens", tag = TAG,
    params(("kind" = String, Path), ("id" = String, Path)), responses(
    (status = 200, description = "Its tokens, without the tokens", body = [EntityTokenView]),
    (status = 403, description = "The token is of a registered client", body = Problem, content_type = PROBLEM_JSON),
    (status = 404, description = "There is no such thing, or it is somebody else's", body = Problem, content_type = PROBLEM_JSON),
))]
pub(crate) async fn list_entity_tokens(
    CurrentUser(actor): CurrentUser<Actor>,
    Bearer(claims): Bearer,
    State(app): State<Countersign>,
    path: ThingPath,
) -> Result<Json<Vec<EntityTokenView>>, ApiError> {
    let entity = reach(&app, &actor, &claims, &subject_of(path)?).await?;
    let tokens = app.entities().tokens(&entity.subject).await?;
    Ok(Json(tokens.into_iter().map(EntityTokenView::from).collect()))
}

/// Revoke all tokens for a thing.
///
/// For the owner, and for who has `entities:write`.
#[utoipa::path(delete, path = "/entities/{kind}/{id}/tokens", tag = TAG,
    params(("kind" = String, Path), ("id" = String, Path)), responses(
    (status = 204, description = "None is good any more"),
    (status = 403, description = "The token is of a registered client", body = Problem, content_type = PROBLEM_JSON),
    (status = 404, description = "There is no such thing, or it is somebody else's", body = Problem, content_type = PROBLEM_JSON),
))]
pub(crate) async fn revoke_entity_tokens(
    CurrentUser(actor): CurrentUser<Actor>,
    Bearer(claims): Bearer,
    State(app): State<Countersign>,
    path: ThingPath,
) -> Result<StatusCode, ApiError> {
    let entity = reach(&app, &actor, &claims, &subject_of(path)?).await?;
    app.entities().revoke_all(&entity.subject, &actor).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Revoke a token for a thing.
///
/// For the owner, and for who has `entities:write`.
#[utoipa::path(delete, path = "/entities/{kind}/{id}/tokens/{token_id}", tag = TAG,
    params(("kind" = String, Path), ("id" = String, Path), ("token_id" = String, Path, format = "uuid")), responses(
    (status = 204, description = "It is not good any more"),
    (status = 403, description = "The token is of a registered client", body = Problem, content_type = PROBLEM_JSON),
    (status = 404, description = "There is no such thing or no such token, or it is somebody else's", body = Problem, content_type = PROBLEM_JSON),
))]
pub(crate) async fn revoke_entity_token(
    CurrentUser(actor): CurrentUser<Actor>,
    Bearer(claims): Bearer,
    State(app): State<Countersign>,
    path: Result<Path<(String, String, String)>, PathRejection>,
) -> Result<StatusCode, ApiError> {
    let (path, token) = match path {
        Ok(Path((kind, id, token))) => (Ok(Path((kind, id))), token),
        Err(rejection) => (Err(rejection), String::new()),
    };
    let entity = reach(&app, &actor, &claims, &subject_of(path)?).await?;
    let none = || ApiError::new(StatusCode::NOT_FOUND, "There is no such token");
    let token = token.parse().map_err(|_| none())?;
    let is_revoked = app.entities().revoke(token, Some(&entity.subject), Some(&actor)).await?;
    if is_revoked { Ok(StatusCode::NO_CONTENT) } else { Err(none()) }
}
