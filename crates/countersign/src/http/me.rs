//! `/users/me`: one's own account.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use countersign_axum::{Bearer, CurrentUser, Problem};
use countersign_password::Password;
use countersign_token::Claims;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::app::Countersign;
use crate::client::FIRST_PARTY;
use crate::http::caller::{Caller, keep_device};
use crate::http::error::{ApiError, PROBLEM_JSON};
use crate::http::json::{BodyRefused, JsonBody};
use crate::http::view::{UserView, change, parse_change};
use crate::throttles::Whence;
use crate::user::{Change, EmailAddress, FullName, User, UserChange};

/// How the document groups these routes.
pub(crate) const TAG: &str = "your account";

/// Changes of one's own account: an absent member stays as it is, `null` removes it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OwnChange {
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<String>, format = Email, max_length = 254)]
    email: Change<String>,
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 128)]
    full_name: Change<String>,
}

/// A change of one's own password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PasswordChange {
    /// The password that holds now.
    #[schema(format = Password, min_length = 1, max_length = 1024)]
    current_password: String,
    /// The password that shall hold.
    #[schema(format = Password, min_length = 1, max_length = 1024)]
    new_password: String,
}

/// Refuses the token of a registered client: it may know whose it is, but only the service's own front end changes an account or shows
/// where it is logged in.
pub(crate) fn only_first_party(claims: &Claims) -> Result<(), ApiError> {
    if claims.client_id() == Some(FIRST_PARTY) {
        return Ok(());
    }
    Err(ApiError::new(StatusCode::FORBIDDEN, "Only the service's own front end may do this: log in there"))
}

/// Read your own account.
#[utoipa::path(get, path = "/users/me", tag = TAG, responses((status = 200, description = "Your account", body = UserView)))]
pub(crate) async fn read_own_account(CurrentUser(user): CurrentUser<User>) -> Json<UserView> {
    Json(user.into())
}

/// Change your e-mail address or your name.
#[utoipa::path(patch, path = "/users/me", tag = TAG, request_body = OwnChange, responses(
    (status = 200, description = "Your account", body = UserView),
    (status = 403, description = "The token is of a registered client", body = Problem, content_type = PROBLEM_JSON),
    (status = 409, description = "The e-mail address is taken", body = Problem, content_type = PROBLEM_JSON),
    (status = 429, description = "Too many e-mail addresses: Retry-After says when to try again", body = Problem, content_type = PROBLEM_JSON),
    BodyRefused,
))]
pub(crate) async fn change_own_account(
    CurrentUser(user): CurrentUser<User>,
    Bearer(claims): Bearer,
    State(app): State<Countersign>,
    caller: Caller,
    JsonBody(body): JsonBody<OwnChange>,
) -> Result<Json<UserView>, ApiError> {
    only_first_party(&claims)?;
    let change = UserChange {
        email: parse_change(body.email, EmailAddress::new).map_err(ApiError::invalid)?,
        full_name: parse_change(body.full_name, FullName::new).map_err(ApiError::invalid)?,
        ..UserChange::default()
    };
    if matches!(change.email, Change::Set(_)) {
        app.throttles().change_email(user.id, caller.whence().address).await?;
    }
    let changed = app.stores().users.update(user.id, &change, app.clock().now()).await?;
    let changed = changed.ok_or_else(ApiError::not_found)?;
    tracing::info!(event = "change account", user = %user.id, changed = change.names());
    Ok(Json(changed.into()))
}

/// Delete your own account, for good.
#[utoipa::path(delete, path = "/users/me", tag = TAG, responses(
    (status = 204, description = "Deleted"),
    (status = 403, description = "The token is of a registered client", body = Problem, content_type = PROBLEM_JSON),
))]
pub(crate) async fn delete_own_account(
    CurrentUser(user): CurrentUser<User>,
    Bearer(claims): Bearer,
    State(app): State<Countersign>,
) -> Result<StatusCode, ApiError> {
    only_first_party(&claims)?;
    app.stores().users.delete(user.id).await?;
    tracing::info!(event = "delete account", user = %user.id);
    Ok(StatusCode::NO_CONTENT)
}

/// Change your own password. Tokens issued before are refused from then on.
#[utoipa::path(put, path = "/users/me/password", tag = TAG, request_body = PasswordChange, responses(
    (status = 204, description = "Changed"),
    (status = 403, description = "The current password is wrong, or the token is of a registered client", body = Problem, content_type = PROBLEM_JSON),
    (status = 429, description = "Too many wrong passwords: Retry-After says when to try again", body = Problem, content_type = PROBLEM_JSON),
    BodyRefused,
))]
pub(crate) async fn change_own_password(
    CurrentUser(user): CurrentUser<User>,
    Bearer(claims): Bearer,
    State(app): State<Countersign>,
    caller: Caller,
    JsonBody(body): JsonBody<PasswordChange>,
) -> Result<(StatusCode, HeaderMap), ApiError> {
    only_first_party(&claims)?;
    let current = Password::new(body.current_password).map_err(ApiError::invalid)?;
    let new = Password::new(body.new_password).map_err(ApiError::invalid)?;
    let session = claims.session_id().and_then(|id| id.parse().ok());
    let accounts = app.accounts().for_requests_from(Whence { session, ..caller.whence().clone() });
    accounts.change_password(user.id, current, new).await?;
    // No browser is known any more but this one. It is changed by now, whatever the store says.
    let mut headers = HeaderMap::new();
    if let Ok(Some(changed)) = app.stores().users.find_by_id(user.id).await {
        keep_device(&mut headers, accounts.device_of(&changed), app.settings());
    }
    Ok((StatusCode::NO_CONTENT, headers))
}
