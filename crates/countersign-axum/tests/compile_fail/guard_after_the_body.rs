//! Parameters in the wrong order, or two that want the body: axum's own words.

use axum::Json;
use countersign_axum::{Bearer, Guard};

#[axum::debug_handler(state = Guard)]
async fn guard_last(_: Json<String>, _: Bearer) {}

#[axum::debug_handler(state = Guard)]
async fn two_bodies(_: Bearer, _: Json<String>, _: Json<String>) {}
