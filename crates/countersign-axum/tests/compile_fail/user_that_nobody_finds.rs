//! `CurrentUser` of a type that says not how it is found in the state.

use axum::extract::FromRef;
use countersign_axum::{CurrentUser, Guard, routes};
use utoipa_axum::router::OpenApiRouter;

#[derive(Clone)]
pub struct App {
    guard: Guard,
}

impl FromRef<App> for Guard {
    fn from_ref(app: &App) -> Self {
        app.guard.clone()
    }
}

pub struct User;

#[axum::debug_handler(state = App)]
async fn debugged(_: CurrentUser<User>) {}

#[utoipa::path(get, path = "/me")]
async fn me(_: CurrentUser<User>) {}

pub fn documented() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(me))
}
