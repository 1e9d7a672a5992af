//! What `routes!` makes of it, below axum's own words.

use countersign_axum::{Bearer, Claims, CurrentUser, LoadUser, Scope, Scoped, Unavailable, routes};
use utoipa_axum::router::OpenApiRouter;

#[derive(Clone)]
pub struct App;

pub struct User;

impl LoadUser<App> for User {
    async fn load_user(_: &Claims, _: &App) -> Result<Option<Self>, Unavailable> {
        Ok(None)
    }
}

pub struct ItemsRead;

impl Scope for ItemsRead {
    const NAME: &'static str = "items:read";
    const DESCRIPTION: &'static str = "Read items.";
}

#[utoipa::path(get, path = "/bearer")]
async fn bearer(_: Bearer) {}

#[utoipa::path(get, path = "/scoped")]
async fn scoped(_: Scoped<ItemsRead>) {}

#[utoipa::path(get, path = "/user")]
async fn current_user(_: CurrentUser<User>) {}

#[utoipa::path(get, path = "/optional")]
async fn optional(_: Option<Bearer>) {}

pub fn without_state() -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(bearer))
}

pub fn with_a_state_that_has_none() -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(scoped)).with_state(App)
}

pub fn with_a_user() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(current_user))
}

pub fn with_an_optional_guard() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(optional))
}
