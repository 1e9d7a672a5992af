//! What `debug_handler` makes of it.

use axum::debug_handler;
use countersign_axum::{Bearer, Claims, CurrentUser, LoadUser, Scope, Scoped, Unavailable};

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

#[debug_handler]
async fn bearer(_: Bearer) {}

#[debug_handler(state = App)]
async fn scoped(_: Scoped<ItemsRead>) {}

#[debug_handler(state = App)]
async fn current_user(_: CurrentUser<User>) {}

#[debug_handler(state = App)]
async fn optional(_: Option<Bearer>) {}
