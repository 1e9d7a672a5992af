//! `/users`: registration, and the administration of all accounts.

use axum::Json;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use countersign_axum::{Bearer, CurrentUser, Problem, Scope, Scoped};
use countersign_password::Password;
use countersign_token::ScopeSet;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::accounts::NewAccount;
use crate::app::Countersign;
use crate::http::caller::Caller;
use crate::http::error::{ApiError, PROBLEM_JSON};
use crate::http::json::{BodyRefused, JsonBody};
use crate::http::text::ScopeText;
use crate::http::view::{UserView, change, parse_change};
use crate::scopes::{UsersRead, UsersWrite};
use crate::settings::Registration;
use crate::store::{SearchText, UserQuery};
use crate::user::{Change, EmailAddress, FullName, ScopesChange, User, UserChange, UserId, Username};

/// How the document groups these routes.
pub(crate) const TAG: &str = "users";

/// An account to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewUser)]
pub(crate) struct NewUserBody {
    /// 1 to 64 letters, digits and marks; no `@`.
    #[schema(pattern = r"^[^@:\s]{1,64}$")]
    username: String,
    /// At least 15 characters unless the operator set another rule.
    #[schema(format = Password, min_length = 1, max_length = 1024)]
    password: String,
    #[schema(format = Email, max_length = 254)]
    email: Option<String>,
    #[schema(min_length = 1, max_length = 128)]
    full_name: Option<String>,
}

/// Changes of any account: an absent member stays as it is, `null` removes it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = UserChange)]
pub(crate) struct UserChangeBody {
    #[schema(pattern = r"^[^@:\s]{1,64}$")]
    username: Option<String>,
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<String>, format = Email, max_length = 254)]
    email: Change<String>,
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 128)]
    full_name: Change<String>,
    disabled: Option<bool>,
    /// The scopes that the user shall have, all of them.
    #[schema(value_type = Option<Vec<ScopeText>>)]
    scopes: Option<Vec<String>>,
}

/// Which users to list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListParameters {
    /// Only users whose name or address contains this.
    #[param(min_length = 1, max_length = 254)]
    search: Option<String>,
    /// The `next` of the page before.
    #[param(format = "uuid")]
    after: Option<String>,
    /// At most so many, 1 to 200; 50 unless given.
    limit: Option<usize>,
}

/// A page of users.
#[derive(Serialize, ToSchema)]
#[schema(as = UserPage)]
pub(crate) struct UserPageView {
    users: Vec<UserView>,
    /// Give it as `after` to get the page that follows; `null` on the last.
    next: Option<String>,
}

/// Register.
#[utoipa::path(post, path = "/users", tag = TAG, request_body = NewUserBody, responses(
    (status = 201, description = "Registered", body = UserView),
    (status = 403, description = "Registration is closed", body = Problem, content_type = PROBLEM_JSON),
    (status = 409, description = "The user name or the e-mail address is taken", body = Problem, content_type = PROBLEM_JSON),
    (status = 429, description = "Too many registrations from this address: Retry-After says when to try again", body = Problem, content_type = PROBLEM_JSON),
    BodyRefused,
))]
pub(crate) async fn register_user(
    user: Option<CurrentUser<User>>,
    token: Option<Bearer>,
    State(app): State<Countersign>,
    caller: Caller,
    JsonBody(body): JsonBody<NewUserBody>,
) -> Result<(StatusCode, Json<UserView>), ApiError> {
    let may_write = token.is_some_and(|Bearer(claims)| claims.scope().contains(UsersWrite::NAME));
    let administrator = user.filter(|_| may_write).map(|CurrentUser(user)| user.id);
    if app.settings().registration == Registration::Closed && administrator.is_none() {
        return Err(ApiError::new(
            StatusCode::FORBIDDEN,
            "Registration is closed: ask an administrator for an account",
        ));
    }
    let account = NewAccount {
        username: Username::new(&body.username).map_err(ApiError::invalid)?,
        email: body.email.as_deref().map(EmailAddress::new).transpose().map_err(ApiError::invalid)?,
        full_name: body.full_name.as_deref().map(FullName::new).transpose().map_err(ApiError::invalid)?,
        scopes: app.settings().default_scopes.clone(),
        password: Password::new(body.password).map_err(ApiError::invalid)?,
    };
    let accounts = app.accounts().for_requests_from(caller.whence().clone());
    let user = match administrator {
        Some(_) => accounts.register(account, administrator).await?,
        None => accounts.sign_up(account).await?,
    };
    Ok((StatusCode::CREATED, Json(user.into())))
}

/// List users, page by page.
#[utoipa::path(get, path = "/users", tag = TAG, params(ListParameters), responses(
    (status = 200, description = "A page of users", body = UserPageView),
    (status = 422, description = "A parameter is not what it should be", body = Problem, content_type = PROBLEM_JSON),
))]
pub(crate) async fn list_users(
    _: CurrentUser<User>,
    _: Scoped<UsersRead>,
    State(app): State<Countersign>,
    query: Result<Query<ListParameters>, QueryRejection>,
) -> Result<Json<UserPageView>, ApiError> {
    let Query(parameters) = query.map_err(|_| ApiError::invalid("limit is a number; search and after are text"))?;
    let mut query = UserQuery::default();
    if let Some(search) = &parameters.search {
        query = query.search(SearchText::new(search).map_err(ApiError::invalid)?);
    }
    if let Some(after) = &parameters.after {
        query = query.after(after.parse().map_err(ApiError::invalid)?);
    }
    if let Some(limit) = parameters.limit {
        query = query.limit(limit);
    }
    let page = app.stores().users.list(&query).await?;
    Ok(Json(UserPageView {
        users: page.users.into_iter().map(UserView::from).collect(),
        next: page.next.map(|id| id.to_string()),
    }))
}

/// Read a user.
#[utoipa::path(get, path = "/users/{id}", tag = TAG, params(("id" = String, Path, format = "uuid")), responses(
    (status = 200, description = "The user", body = UserView),
    (status = 404, description = "There is no such user", body = Problem, content_type = PROBLEM_JSON),
))]
pub(crate) async fn read_user(
    _: CurrentUser<User>,
    _: Scoped<UsersRead>,
    State(app): State<Countersign>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Json<UserView>, ApiError> {
    let user = app.stores().users.find_by_id(parse_id(id)?).await?;
    Ok(Json(user.ok_or_else(ApiError::not_found)?.into()))
}

/// Change a user: names, address, scopes, disabled or not.
#[utoipa::path(patch, path = "/users/{id}", tag = TAG, params(("id" = String, Path, format = "uuid")),
    request_body = UserChangeBody, responses(
    (status = 200, description = "The user", body = UserView),
    (status = 404, description = "There is no such user", body = Problem, content_type = PROBLEM_JSON),
    (status = 409, description = "The user name or the e-mail address is taken", body = Problem, content_type = PROBLEM_JSON),
    BodyRefused,
))]
pub(crate) async fn change_user(
    CurrentUser(administrator): CurrentUser<User>,
    _: Scoped<UsersWrite>,
    State(app): State<Countersign>,
    id: Result<Path<String>, PathRejection>,
    JsonBody(body): JsonBody<UserChangeBody>,
) -> Result<Json<UserView>, ApiError> {
    let id = parse_id(id)?;
    let change = body.parse()?;
    let changed = app.stores().users.update(id, &change, app.clock().now()).await?;
    let changed = changed.ok_or_else(ApiError::not_found)?;
    let (what, by) = (change.names(), administrator.id);
    let User { disabled, scopes, .. } = &changed;
    tracing::info!(event = "change user", user = %id, %by, changed = what, disabled, %scopes);
    Ok(Json(changed.into()))
}

/// Delete a user, for good.
#[utoipa::path(delete, path = "/users/{id}", tag = TAG, params(("id" = String, Path, format = "uuid")), responses(
    (status = 204, description = "Deleted"),
    (status = 404, description = "There is no such user", body = Problem, content_type = PROBLEM_JSON),
))]
pub(crate) async fn delete_user(
    CurrentUser(administrator): CurrentUser<User>,
    _: Scoped<UsersWrite>,
    State(app): State<Countersign>,
    id: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, ApiError> {
    let id = parse_id(id)?;
    if !app.stores().users.delete(id).await? {
        return Err(ApiError::not_found());
    }
    tracing::info!(event = "delete user", user = %id, by = %administrator.id);
    Ok(StatusCode::NO_CONTENT)
}

impl UserChangeBody {
    fn parse(self) -> Result<UserChange, ApiError> {
        Ok(UserChange {
            username: self.username.as_deref().map(Username::new).transpose().map_err(ApiError::invalid)?,
            email: parse_change(self.email, EmailAddress::new).map_err(ApiError::invalid)?,
            full_name: parse_change(self.full_name, FullName::new).map_err(ApiError::invalid)?,
            disabled: self.disabled,
            scopes: match self.scopes {
                None => ScopesChange::Keep,
                Some(tokens) => ScopesChange::Replace(ScopeSet::from_tokens(tokens).map_err(ApiError::invalid)?),
            },
        })
    }
}

/// An id that is none belongs to nobody: 404, as for an id that nobody has.
fn parse_id(path: Result<Path<String>, PathRejection>) -> Result<UserId, ApiError> {
    path.ok().and_then(|Path(id)| id.parse().ok()).ok_or_else(ApiError::not_found)
}
