//! `/entities/{kind}/{id}`: which things there are, and whose they are.

use axum::Json;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use countersign_axum::{Bearer, CurrentUser, Problem, Scope, Scoped};
use countersign_token::{Claims, ScopeSet, Subject};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::app::Countersign;
use crate::entity::Entity;
use crate::http::actor::Actor;
use crate::http::error::{ApiError, NO_SUCH_ENTITY, PROBLEM_JSON};
use crate::http::json::{BodyRefused, JsonBody};
use crate::http::me::{self, only_first_party};
use crate::http::text::ScopeText;
use crate::http::view::rfc3339;
use crate::scopes::EntitiesWrite;
use crate::user::User;

/// How the document groups these routes.
pub(crate) const TAG: &str = "things";

/// The most things of a page.
const LONGEST_PAGE: usize = 200;
/// The things of a page when nothing else is asked.
const PAGE: usize = 50;

/// A thing.
#[derive(Serialize, ToSchema)]
#[schema(as = Entity)]
pub struct EntityView {
    /// The subject of its tokens: kind and id, joined by a colon.
    subject: String,
    kind: String,
    id: String,
    /// The id of the user whose it is.
    #[schema(format = "uuid")]
    owner: String,
    /// What the owner may do with it, and let others do.
    permissions: Vec<String>,
    #[schema(format = DateTime)]
    created_at: String,
}

/// A page of things.
#[derive(Serialize, ToSchema)]
#[schema(as = EntityPage)]
pub(crate) struct EntityPageView {
    entities: Vec<EntityView>,
    /// Give it as `after` to get the page that follows; `null` on the last.
    next: Option<String>,
}

/// Whose a thing is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = EntityDeclaration)]
pub(crate) struct EntityBody {
    /// The id of the user whose it is.
    #[schema(format = "uuid")]
    owner: String,
    /// What the owner may do with it, and let others do; all that its kind has unless named.
    #[schema(value_type = Option<Vec<ScopeText>>)]
    permissions: Option<Vec<String>>,
}

/// Which things to list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageParameters {
    /// The `next` of the page before.
    after: Option<String>,
    /// At most so many, 1 to 200; 50 unless given.
    limit: Option<usize>,
}

impl From<Entity> for EntityView {
    fn from(entity: Entity) -> Self {
        Self {
            subject: entity.subject.to_string(),
            kind: entity.subject.kind().to_owned(),
            id: entity.subject.id().to_owned(),
            owner: entity.owner.to_string(),
            permissions: entity.permissions.iter().map(str::to_owned).collect(),
            created_at: rfc3339(entity.created_at),
        }
    }
}

/// What the path of a thing holds.
pub(crate) type ThingPath = Result<Path<(String, String)>, PathRejection>;

/// The thing that a path names; 404 for what can name none, as for a thing that is not there.
pub(crate) fn subject_of(path: ThingPath) -> Result<Subject, ApiError> {
    let Path((kind, id)) = path.map_err(|_| no_such_entity())?;
    Subject::new(&kind, &id).map_err(|_| no_such_entity())
}

pub(crate) fn no_such_entity() -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, NO_SUCH_ENTITY)
}

/// The thing, if the caller may see it: whose it is, at the operator's own front end, and whoever may change all. To anybody else it is
/// as if it were not there.
pub(crate) async fn reach(
    app: &Countersign,
    actor: &Actor,
    claims: &Claims,
    subject: &Subject,
) -> Result<Entity, ApiError> {
    let may_all = claims.scope().contains(EntitiesWrite::NAME);
    if !may_all {
        only_first_party(claims)?;
    }
    let found = app.entities().find(subject).await?;
    found.filter(|entity| may_all || actor.is(entity.owner)).ok_or_else(no_such_entity)
}

/// Declare a thing, or change whose it is and what may be done with it.
///
/// The kind is one of the setting `entities`. Tokens that are void then end: all when the thing gets another owner, and those that carry
/// a permission which it loses. For administrators, and for the API that has the thing, with a token of its own.
#[utoipa::path(put, path = "/entities/{kind}/{id}", tag = TAG,
    params(("kind" = String, Path), ("id" = String, Path)), request_body = EntityBody, responses(
    (status = 200, description = "The thing as it is now", body = EntityView),
    (status = 201, description = "The thing, which there was not before", body = EntityView),
    (status = 404, description = "There is no such kind of thing", body = Problem, content_type = PROBLEM_JSON),
    BodyRefused,
))]
pub(crate) async fn declare_entity(
    CurrentUser(actor): CurrentUser<Actor>,
    _: Scoped<EntitiesWrite>,
    State(app): State<Countersign>,
    path: ThingPath,
    JsonBody(body): JsonBody<EntityBody>,
) -> Result<(StatusCode, Json<EntityView>), ApiError> {
    let Path((kind, id)) = path.map_err(|_| no_such_entity())?;
    let subject = Subject::new(&kind, &id).map_err(ApiError::invalid)?;
    let owner = body.owner.parse().map_err(ApiError::invalid)?;
    let permissions = body.permissions.map(ScopeSet::from_tokens).transpose().map_err(ApiError::invalid)?;
    let declared = app.entities().declare(&subject, owner, permissions).await?;
    tracing::info!(event = "declare entity", entity = %subject, %owner, ended = declared.ended, by = %actor);
    let status = if declared.is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(declared.entity.into())))
}

/// Read whose a thing is.
///
/// For the owner, and for who has `entities:write`.
#[utoipa::path(get, path = "/entities/{kind}/{id}", tag = TAG,
    params(("kind" = String, Path), ("id" = String, Path)), responses(
    (status = 200, description = "The thing", body = EntityView),
    (status = 403, description = "The token is of a registered client", body = Problem, content_type = PROBLEM_JSON),
    (status = 404, description = "There is no such thing, or it is somebody else's", body = Problem, content_type = PROBLEM_JSON),
))]
pub(crate) async fn read_entity(
    CurrentUser(actor): CurrentUser<Actor>,
    Bearer(claims): Bearer,
    State(app): State<Countersign>,
    path: ThingPath,
) -> Result<Json<EntityView>, ApiError> {
    Ok(Json(reach(&app, &actor, &claims, &subject_of(path)?).await?.into()))
}

/// Remove a thing. Its tokens end.
#[utoipa::path(delete, path = "/entities/{kind}/{id}", tag = TAG,
    params(("kind" = String, Path), ("id" = String, Path)), responses(
    (status = 204, description = "Removed"),
    (status = 404, description = "There is no such thing", body = Problem, content_type = PROBLEM_JSON),
))]
pub(crate) async fn delete_entity(
    CurrentUser(actor): CurrentUser<Actor>,
    _: Scoped<EntitiesWrite>,
    State(app): State<Countersign>,
    path: ThingPath,
) -> Result<StatusCode, ApiError> {
    let subject = subject_of(path)?;
    if !app.entities().delete(&subject).await? {
        return Err(no_such_entity());
    }
    tracing::info!(event = "delete entity", entity = %subject, by = %actor);
    Ok(StatusCode::NO_CONTENT)
}

/// List your things, page by page.
#[utoipa::path(get, path = "/users/me/entities", tag = me::TAG, params(PageParameters), responses(
    (status = 200, description = "A page of your things", body = EntityPageView),
    (status = 403, description = "The token is of a registered client", body = Problem, content_type = PROBLEM_JSON),
    (status = 422, description = "A parameter is not what it should be", body = Problem, content_type = PROBLEM_JSON),
))]
pub(crate) async fn list_own_entities(
    CurrentUser(user): CurrentUser<User>,
    Bearer(claims): Bearer,
    State(app): State<Countersign>,
    query: Result<Query<PageParameters>, QueryRejection>,
) -> Result<Json<EntityPageView>, ApiError> {
    only_first_party(&claims)?;
    let Query(parameters) = query.map_err(|_| ApiError::invalid("limit is a number; after is text"))?;
    let after: Option<Subject> = parameters.after.map(|text| text.parse()).transpose().map_err(ApiError::invalid)?;
    let limit = parameters.limit.unwrap_or(PAGE).clamp(1, LONGEST_PAGE);
    // The one too many tells that another page follows.
    let mut entities = app.entities().list(user.id, after.as_ref(), limit + 1).await?;
    let is_last = entities.len() <= limit;
    entities.truncate(limit);
    let next = entities.last().filter(|_| !is_last).map(|last| last.subject.to_string());
    Ok(Json(EntityPageView { entities: entities.into_iter().map(EntityView::from).collect(), next }))
}
