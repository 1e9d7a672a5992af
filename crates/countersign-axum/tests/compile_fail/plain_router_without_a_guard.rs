//! axum's own words: they send the reader to `debug_handler`.

use axum::Router;
use axum::routing::get;
use countersign_axum::Bearer;

#[derive(Clone)]
pub struct App;

async fn hello(_: Bearer) {}

pub fn without_state() -> Router {
    Router::new().route("/", get(hello))
}

pub fn with_a_state_that_has_none() -> Router {
    Router::new().route("/", get(hello)).with_state(App)
}
