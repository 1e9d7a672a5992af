//! A scope cannot be optional.

use countersign_axum::{Guard, Scope, Scoped};

pub struct ItemsRead;

impl Scope for ItemsRead {
    const NAME: &'static str = "items:read";
    const DESCRIPTION: &'static str = "Read items.";
}

#[axum::debug_handler(state = Guard)]
async fn items(_: Option<Scoped<ItemsRead>>) {}
