//! A misspelled scope.

use countersign_axum::{Scope, Scoped};

pub struct ItemsRead;

impl Scope for ItemsRead {
    const NAME: &'static str = "items:read";
    const DESCRIPTION: &'static str = "Read items.";
}

pub async fn items(_: Scoped<ItemRead>) {}
