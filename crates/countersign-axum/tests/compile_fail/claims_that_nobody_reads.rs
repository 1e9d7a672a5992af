//! `Bearer` of a type that says not how it is taken out of a token.

use countersign_axum::Bearer;

pub struct MyClaims;

pub async fn hello(_: Bearer<MyClaims>) {}
