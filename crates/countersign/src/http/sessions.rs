//! `/users/me/sessions`: where one is logged in, and logging out there.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use countersign_axum::{Bearer, CurrentUser, Problem};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::Countersign;
use crate::http::error::{ApiError, PROBLEM_JSON};
use crate::http::me::{TAG, only_first_party};
use crate::http::view::rfc3339;
use crate::session::Session;
use crate::user::User;

/// A login, and what has come of it.
#[derive(Serialize, ToSchema)]
#[schema(as = Session)]
pub struct SessionView {
    #[schema(format = "uuid")]
    id: String,
    /// The program that logged in.
    client: String,
    /// What was granted.
    scopes: Vec<String>,
    /// From where; `null` where the server was not told.
    address: Option<String>,
    /// What the program called itself.
    user_agent: Option<String>,
    /// When the login was.
    #[schema(format = DateTime)]
    created_at: String,
    /// When the login or the last refresh was.
    #[schema(format = DateTime)]
    last_used_at: String,
    /// When it ends if nobody refreshes it.
    #[schema(format = DateTime)]
    expires_at: String,
    /// Whether it can be refreshed.
    is_refreshable: bool,
}

/// One of your own sessions.
#[derive(Serialize, ToSchema)]
pub(crate) struct OwnSession {
    #[serde(flatten)]
    session: SessionView,
    /// Whether the token of this request is of it.
    is_current: bool,
}

impl From<Session> for SessionView {
    fn from(session: Session) -> Self {
        Self {
            id: session.id.to_string(),
            client: session.client,
            scopes: session.scope.iter().map(str::to_owned).collect(),
            address: session.origin.address,
            user_agent: session.origin.user_agent,
            created_at: rfc3339(session.created_at),
            last_used_at: rfc3339(session.last_used_at),
            expires_at: rfc3339(session.expires_at),
            is_refreshable: session.refresh.is_some(),
        }
    }
}

/// See where you are logged in, the latest login first.
#[utoipa::path(get, path = "/users/me/sessions", tag = TAG,
    responses(
    (status = 200, description = "Your sessions", body = [OwnSession]),
    (status = 403, description = "The token is of a registered client", body = Problem, content_type = PROBLEM_JSON),
))]
pub(crate) async fn list_own_sessions(
    CurrentUser(user): CurrentUser<User>,
    Bearer(claims): Bearer,
    State(app): State<Countersign>,
) -> Result<Json<Vec<OwnSession>>, ApiError> {
    only_first_party(&claims)?;
    let sessions = app.sessions().list(user.id).await?;
    let own = |session: Session| {
        let is_current = claims.session_id() == Some(&session.id.to_string());
        OwnSession { session: session.into(), is_current }
    };
    Ok(Json(sessions.into_iter().map(own).collect()))
}

/// Log out everywhere, here as well.
#[utoipa::path(delete, path = "/users/me/sessions", tag = TAG, responses(
    (status = 204, description = "Logged out"),
    (status = 403, description = "The token is of a registered client", body = Problem, content_type = PROBLEM_JSON),
))]
pub(crate) async fn end_own_sessions(
    CurrentUser(user): CurrentUser<User>,
    Bearer(claims): Bearer,
    State(app): State<Countersign>,
) -> Result<StatusCode, ApiError> {
    only_first_party(&claims)?;
    app.sessions().end_all(user.id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Log out there: the tokens of the session are good no more.
#[utoipa::path(delete, path = "/users/me/sessions/{id}", tag = TAG, params(("id" = String, Path, format = "uuid")), responses(
    (status = 204, description = "Logged out"),
    (status = 403, description = "The token is of a registered client", body = Problem, content_type = PROBLEM_JSON),
    (status = 404, description = "You have no such session", body = Problem, content_type = PROBLEM_JSON),
))]
pub(crate) async fn end_own_session(
    CurrentUser(user): CurrentUser<User>,
    Bearer(claims): Bearer,
    State(app): State<Countersign>,
    id: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, ApiError> {
    only_first_party(&claims)?;
    let none = || ApiError::new(StatusCode::NOT_FOUND, "You have no such session");
    let id = id.ok().and_then(|Path(id)| id.parse().ok()).ok_or_else(none)?;
    if app.sessions().end(id, Some(user.id)).await? { Ok(StatusCode::NO_CONTENT) } else { Err(none()) }
}
